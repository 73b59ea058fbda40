"""What customers answer, written down: those who answer at once share a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.notifier import answers, store
from services.notifier.answers import NoLongerOpen
from services.notifier.domain import Confirmation, Decided
from shared.database import Database
from shared.personal import GONE
from shared.together import Together

Answer = Literal["confirm", "decline"]

MOST = 64
"""In one transaction."""


@dataclass(frozen=True, slots=True)
class Said:
    """`reason` goes with declining only."""

    registration_id: UUID
    answer: Answer
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """`confirmation` as it is after the answer. `refusal`: what ended it before. `repeated`: answered so before, and
    nothing has changed."""

    confirmation: Confirmation
    at: datetime
    refusal: NoLongerOpen | None = None
    repeated: bool = False


class Answering:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(self._hear_all, MOST)

    async def hear(self, said: Said) -> Heard | None:
        """None where there is no such confirmation, or no more than its number."""
        return await self._together(said)

    async def _hear_all(self, said: Sequence[Said]) -> list[Heard | None]:
        async with self._database.transaction() as tx:
            known = await store.lock(tx, [it.registration_id for it in said])
            decided = Decided()
            heard = [_hear(it, decided.now_known(it.registration_id, known), decided, tx.now) for it in said]
            await store.save(tx, decided, known)
        return heard


def _hear(said: Said, it: Confirmation | None, decided: Decided, now: datetime) -> Heard | None:
    if it is None or is_blanked(it):
        return None
    told = answers.confirm(it, now) if said.answer == "confirm" else answers.decline(it, said.reason, now)
    if told is None:
        return Heard(it, now, repeated=True)
    if isinstance(told, NoLongerOpen):
        return Heard(it, now, refusal=told)
    more = answers.answered(it, told, now)
    decided.add(more)
    return Heard(more.changed[it.registration_id], now)


def is_blanked(it: Confirmation) -> bool:
    """Nothing is left that a page could tell its customer."""
    return it.customer_email == GONE
