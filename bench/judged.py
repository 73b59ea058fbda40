"""What a run left behind, judged by the checker: every registration, every mail."""

from collections.abc import Iterable

from bench.drain import OPEN_LIMIT
from bench.letters import Letter
from bench.room import Room
from checker import Finding, Received, Rules
from tests.torture import evidence


class PromisesBroken(Exception):
    """What was measured did something else."""


async def judge(there: Room, letters: Iterable[Letter] | None) -> None:
    """`letters`: all that the mail server received; None: nothing was sent. Raises PromisesBroken."""
    received = None if letters is None else [Received(it.to, f"<{it.message_id}>", "") for it in letters]
    urls, rules = evidence.everywhere(there.database_url), Rules(open_limit=OPEN_LIMIT)
    found = await evidence.findings(there.settings, urls, received, rules, duplicates_allowed=False)
    if found:
        raise PromisesBroken(f"{len(found)} promises are broken, the first: {_said(found[:3])}")


def _said(findings: list[Finding]) -> str:
    return "; ".join(f"{it.promise}: {it.registration_id}: {it.detail}" for it in findings)
