"""Acts on what has become due, in short transactions of a few rows.

A deadline's rows are claimed with SKIP LOCKED in order of their time, so several instances share the work, a row is
acted on once, and nobody waits for anybody. What became due while nobody ran is caught up in the same way: the decision
sees the present moment, not the moments missed.

A row that cannot be acted on holds up no other: the claim is halved until it stands alone, and then stepped over. It is
tried again at the next look, and each look says so in the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from shared.database import Database, Transaction
from shared.messaging.faults import in_words, is_passing, place
from shared.retry import Backoff, pause

AT_ONCE = 200  # rows a transaction: more would keep the consumer waiting in the same process
EVERY = 0.5  # seconds between two looks at the clock
MOST_STEPPED_OVER = 20  # rows in one look: beyond that it is no row's fault

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deadline:
    """`act` claims up to `most` due rows after the first `skip`, decides, writes, and answers how many it claimed."""

    name: str
    act: Callable[[Transaction, int, int], Awaitable[int]]


class Scheduler:
    """`trouble` says in a sentence what keeps something due from being acted on, None when nothing does."""

    def __init__(self, database: Database, deadlines: Sequence[Deadline]) -> None:
        self.trouble: str | None = None
        self._database = database
        self._deadlines = deadlines

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`, after the transaction in hand."""
        backoff = Backoff(first=EVERY)
        while not stopping.is_set():
            well = await self.catch_up(stopping) and not stopping.is_set()
            if well and (waits := backoff.reset()):
                log.info("deadlines go on", waits=waits)
            await pause(stopping, backoff.next() if self.trouble else EVERY)

    async def catch_up(self, stopping: asyncio.Event) -> bool:
        """Acts on all that is due now. One deadline that fails keeps no other from its turn; False where one did."""
        troubles = [trouble for it in self._deadlines if (trouble := await self._catch_up(it, stopping))]
        self.trouble = f"deadlines wait: {'; '.join(troubles)}" if troubles else None
        return not troubles

    async def _catch_up(self, deadline: Deadline, stopping: asyncio.Event) -> str | None:
        most, skip, trouble = AT_ONCE, 0, None
        while skip <= MOST_STEPPED_OVER and not stopping.is_set():
            try:
                async with self._database.transaction() as tx:
                    claimed = await deadline.act(tx, most, skip)
            except Exception as error:
                trouble = f"{deadline.name}: {in_words(error)}"
                passing = is_passing(error, skip)
                if passing or most == 1:
                    log.warning("deadline waits", deadline=deadline.name, why=in_words(error), where=place(error))
                if passing:
                    return trouble
                skip += most == 1
                most = max(1, most // 2)
            else:
                if claimed < most:
                    return trouble
                most = AT_ONCE if most == 1 else most
        return trouble
