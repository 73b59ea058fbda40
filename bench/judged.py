"""What a run left behind, judged by the checker: every registration, every mail."""

from collections import Counter
from collections.abc import Iterable

from bench.drain import OPEN_LIMIT
from bench.letters import Letter
from bench.room import Room
from checker import Finding, Received, Rules
from tests.torture import evidence


class PromisesBroken(Exception):
    """What was measured did something else."""


TOLD_BY_THE_DRIVER = (
    "CustomerConfirmed: 1 told, 0 in notifier's history;",
    "VngApproved: 1 told, 0 in approver's history;",
)
"""What the checker says of what nobody answered or decided on a page."""


async def judge(there: Room, letters: Iterable[Letter]) -> None:
    """`letters`: all that the mail server received. Raises PromisesBroken."""
    _refuse(await _findings(there, [Received(it.to, f"<{it.message_id}>", "") for it in letters]))


async def judge_events(there: Room, count: int) -> None:
    """Where no mail was sent, and the driver confirmed and approved in the services' names. Raises PromisesBroken."""
    found = await _findings(there, None)
    told = Counter(words for it in found for words in TOLD_BY_THE_DRIVER if it.detail.startswith(words))
    _refuse([it for it in found if not it.detail.startswith(TOLD_BY_THE_DRIVER)])
    if told != dict.fromkeys(TOLD_BY_THE_DRIVER, count):
        raise PromisesBroken(f"the driver told {dict(told)}; expected {count} of each")


async def _findings(there: Room, received: Iterable[Received] | None) -> list[Finding]:
    urls, rules = evidence.everywhere(there.database_url), Rules(open_limit=OPEN_LIMIT)
    return await evidence.findings(there.settings, urls, received, rules, duplicates_allowed=False)


def _refuse(found: list[Finding]) -> None:
    if found:
        raise PromisesBroken(f"{len(found)} promises are broken, the first: {_said(found[:3])}")


def _said(findings: list[Finding]) -> str:
    return "; ".join(f"{it.promise}: {it.registration_id}: {it.detail}" for it in findings)
