"""Waiting that ends early when the service stops, and waits that grow while something is away."""

import asyncio
import random
from dataclasses import dataclass


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep, or return at once when the service stops."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass


@dataclass(slots=True)
class Backoff:
    """Growing waits with jitter, in seconds: many instances must not come back in step."""

    first: float = 0.1
    most: float = 10.0
    tries: int = 0

    def next(self) -> float:
        wait: float = min(self.most, self.first * 2 ** min(self.tries, 16))
        self.tries += 1
        return wait * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, guards nothing

    def reset(self) -> None:
        self.tries = 0
