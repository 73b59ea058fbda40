"""Group commit: what comes while a batch is in hand is the next batch, so a crowd shares one transaction and one alone
waits for nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.messaging.faults import LOST_RACES, is_passing
from shared.messaging.pace import Pace

T = TypeVar("T")
R = TypeVar("R")

CLOSING = 1.0  # seconds for what is in hand to be rolled back


class Together(Generic[T, R]):
    """`do` does up to `most` of them, all or none, and answers what became of each, in their order. `pace` is for what
    nobody waits for: under load more of it is done together."""

    def __init__(
        self, do: Callable[[Sequence[T]], Awaitable[Sequence[R]]], most: int, pace: Pace | None = None
    ) -> None:
        self._do = do
        self._most = most
        self._pace = pace or Pace(apart=0.0, most_apart=0.0)
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, it: T) -> R:
        """What became of it, once it is done. Raises what doing it raised; for the fault of another in its batch it is
        done again by itself. Who is cancelled waits no longer, and it may be done all the same."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((it, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await done

    async def close(self) -> None:
        """Cancels what is in hand, and whoever waits."""
        if self._working:
            self._working.cancel()
            await asyncio.wait({self._working}, timeout=CLOSING)

    async def _work(self) -> None:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        try:
            while self._waiting:
                if len(self._waiting) < self._most:
                    await asyncio.sleep(self._pace.left)
                batch = self._waiting[: self._most]
                del self._waiting[: self._most]
                self._pace.begin()
                await self._do_or_split(batch)
                self._pace.done(len(batch))
        finally:
            for _it, done in (*batch, *self._waiting):  # none, unless this task is cancelled: nobody is left waiting
                done.cancel()
            self._waiting.clear()

    async def _do_or_split(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            outcomes = await self._do([it for it, _done in batch])
        except Exception as error:
            # Waiting may mend a key that was lost to another; doing each by itself does too, and harms no other.
            if len(batch) > 1 and not is_passing(error, LOST_RACES):
                for one in batch:
                    await self._do_or_split([one])
                return
            for _it, done in batch:
                if not done.done():
                    done.set_exception(error)
        else:
            for (_it, done), outcome in zip(batch, outcomes, strict=True):
                if not done.done():
                    done.set_result(outcome)
