"""What doctor says: a finding is one line."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic_settings import BaseSettings

from shared.settings import SettingsError, load

T = TypeVar("T")
S = TypeVar("S", bound=BaseSettings)

LIMIT = 10.0
"""Seconds for each question to a server."""


class State(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    UNSEEN = "unseen"
    """What it needs is wrong: whether this is, nobody knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what was found; where that is wrong also what is expected and what to do."""

    state: State
    what: str
    text: str

    @property
    def is_well(self) -> bool:
        return self.state is State.OK

    def line(self) -> str:
        return f"{self.state:<6}  {self.what:<10}  {self.text}"


def ok(what: str, text: str) -> Finding:
    return Finding(State.OK, what, text)


def wrong(what: str, text: str) -> Finding:
    return Finding(State.WRONG, what, text)


def unseen(what: str, why: str) -> Finding:
    return Finding(State.UNSEEN, what, f"not looked at: {why}")


async def within_limit(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. Raises TimeoutError after LIMIT seconds, whether `work` lets itself be cancelled or not."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=LIMIT)
        if not task.done():
            raise TimeoutError(f"no answer within {LIMIT:.0f} s")
        return task.result()
    finally:
        task.cancel()


def loaded(kind: type[S]) -> S | None:
    """None where they are wrong, which the line about settings says."""
    try:
        return load(kind)
    except SettingsError:
        return None
