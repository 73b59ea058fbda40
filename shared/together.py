"""Group commit: what comes while a batch is in hand is the next batch, so a crowd shares one transaction and one alone
waits for nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.messaging.faults import is_passing

T = TypeVar("T")


class Together(Generic[T]):
    """`do` does up to `most` of them, all or none."""

    def __init__(self, do: Callable[[Sequence[T]], Awaitable[None]], most: int) -> None:
        self._do = do
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, it: T) -> None:
        """Returns once it is done. Raises what doing it raised; for the fault of another in its batch it is done
        again by itself."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((it, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        while self._waiting:
            batch = self._waiting[: self._most]
            del self._waiting[: self._most]
            await self._do_or_split(batch)

    async def _do_or_split(self, batch: list[tuple[T, asyncio.Future[None]]]) -> None:
        try:
            await self._do([it for it, _done in batch])
        except Exception as error:
            if len(batch) > 1 and not is_passing(error, 0):
                for one in batch:
                    await self._do_or_split([one])
                return
            for _it, done in batch:
                if not done.done():
                    done.set_exception(error)
        else:
            for _it, done in batch:
                if not done.done():
                    done.set_result(None)
