"""What a run left behind, judged by the checker: every registration, every mail."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from bench.drain import OPEN_LIMIT
from bench.letters import Letter
from bench.room import Room
from checker import Evidence, Finding, Received, Rules, check
from tests.torture import evidence


class PromisesBroken(Exception):
    """What was measured did something else."""


async def judge(there: Room, letters: Iterable[Letter] | None) -> None:
    """`letters`: all that the mail server received; None: nothing was sent. Raises PromisesBroken."""
    loop = asyncio.get_running_loop()
    urls = evidence.everywhere(there.database_url)
    left = Evidence(
        records=evidence.drawn(evidence.records(there.settings), loop),
        lines=evidence.drawn(evidence.lines(urls), loop),
        now=datetime.now(UTC),
        mails=evidence.drawn(evidence.mails(urls), loop),
        received=None if letters is None else [Received(it.to, f"<{it.message_id}>", "") for it in letters],
        accounts=evidence.drawn(evidence.accounts(urls), loop),
        rules=Rules(open_limit=OPEN_LIMIT),
    )
    if findings := await asyncio.to_thread(check, left):
        raise PromisesBroken(f"{len(findings)} promises are broken, the first: {_said(findings[:3])}")


def _said(findings: list[Finding]) -> str:
    return "; ".join(f"{it.promise}: {it.registration_id}: {it.detail}" for it in findings)
