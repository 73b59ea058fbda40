"""How often a loop begins anew: a small batch costs nearly what a large one does, so the more there is to do, the more
is taken together. What comes after a quiet moment is taken at once."""

import asyncio
import time
from collections.abc import Callable

from shared.retry import pause

APART = 0.02  # seconds between two beginnings
SHARE = 4  # under load a loop works one part of so many: on a busy machine each takes longer, and begins less often
MOST_APART = 0.25  # seconds


class Pace:
    """Of one loop: `begin`, work, `done`, wait for more to do, `rest`. `clock` is in seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, apart: float = APART, most_apart: float = MOST_APART
    ) -> None:
        self._clock = clock
        self._apart = apart
        self._most_apart = most_apart
        self._begun = self._next = 0.0

    def begin(self) -> None:
        self._begun = self._clock()

    def done(self, count: int) -> None:
        """`count`: how many were taken. One alone says that there is little to do."""
        took = self._clock() - self._begun
        wanted = min(SHARE * took, self._most_apart) if count > 1 else 0.0
        self._next = self._begun + max(self._apart, wanted)

    @property
    def left(self) -> float:
        """Seconds until it is time to begin again."""
        return max(0.0, self._next - self._clock())

    async def rest(self, stopping: asyncio.Event) -> None:
        """Until it is time to begin again, or `stopping`."""
        await pause(stopping, self.left)
