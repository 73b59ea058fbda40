"""Waiting that ends early when the service stops, and waits that grow while something is away."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The service was told to stop before the work was done."""


async def unless_stopped(stopping: asyncio.Event, work: asyncio.Task[T] | Coroutine[Any, Any, T], grace: float) -> T:
    """What `work` returns. Raises Stopped where it has not ended `grace` seconds after the service was told to stop:
    what it waits for may be away for ever. It is cancelled then, and given the same time to end."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({task}, timeout=grace)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait({task}, timeout=grace)
        raise Stopped
    finally:
        stop.cancel()
        task.cancel()


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep, or return at once when the service stops."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass


async def either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    """Until one of them is set, or so long."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


@dataclass(slots=True)
class Backoff:
    """Growing waits with jitter, in seconds: many instances must not come back in step."""

    first: float = 0.1
    most: float = 3.0  # a server that is back is met within seconds
    tries: int = 0

    def next(self) -> float:
        wait: float = min(self.most, self.first * 2 ** min(self.tries, 16))
        self.tries += 1
        return wait * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing

    def reset(self) -> int:
        """How many waits there were."""
        waits, self.tries = self.tries, 0
        return waits
