"""Acts on what has become due, in short transactions of a few rows.

A deadline's rows are claimed with SKIP LOCKED in order of their time, so several instances share the work, a row is
acted on once, and nobody waits for anybody. What became due while nobody ran is caught up in the same way: the decision
sees the present moment, not the moments missed.

Nothing is decided before the events that were waiting at start have been read: a withdrawal that lies in Kafka goes
before the reminder that it makes needless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from shared.database import Database, Transaction
from shared.messaging.faults import in_words, place
from shared.retry import Backoff, pause

AT_ONCE = 200  # rows a transaction: more would keep the consumer waiting in the same process
EVERY = 0.5  # seconds between two looks at the clock

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deadline:
    """`act` claims up to so many due rows, decides and writes, and answers how many it claimed."""

    name: str
    act: Callable[[Transaction, int], Awaitable[int]]


class Scheduler:
    """`may_begin` says whether the events that were waiting at start have been read. `trouble` says in a sentence what
    keeps a deadline from being acted on, None when nothing does."""

    def __init__(self, database: Database, deadlines: Sequence[Deadline], may_begin: Callable[[], bool]) -> None:
        self.trouble: str | None = None
        self._database = database
        self._deadlines = deadlines
        self._may_begin = may_begin

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`, after the transaction in hand."""
        backoff = Backoff()
        while not stopping.is_set():
            if self._may_begin() and not await self.catch_up(stopping):
                await pause(stopping, backoff.next())
                continue
            backoff.reset()
            await pause(stopping, EVERY)

    async def catch_up(self, stopping: asyncio.Event) -> bool:
        """Acts on all that is due now. One deadline that fails keeps no other from its turn; False where one did."""
        failed: list[str] = []
        for deadline in self._deadlines:
            try:
                await self._act(deadline, stopping)
            except Exception as error:
                failed.append(f"{deadline.name}: {in_words(error)}")
                log.warning("deadline waits", deadline=deadline.name, why=in_words(error), where=place(error))
        self.trouble = f"deadlines wait: {'; '.join(failed)}" if failed else None
        return not failed

    async def _act(self, deadline: Deadline, stopping: asyncio.Event) -> None:
        claimed = AT_ONCE
        while claimed == AT_ONCE and not stopping.is_set():
            async with self._database.transaction() as tx:
                claimed = await deadline.act(tx, AT_ONCE)
