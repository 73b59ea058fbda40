"""The named points at which a service may die: just before and just after each thing that it does to the world."""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from shared.topics import SERVICES

EDGES = ("handler", "commit", "offset commit", "publish", "outbox delete")
MAIL_EDGES = ("SMTP DATA", "mark sent")
"""Of notifier alone."""

_SETTING = "CRASH"


def points_of(service: str) -> tuple[str, ...]:
    edges = (*EDGES, *MAIL_EDGES) if service == "notifier" else EDGES
    return tuple(f"{side} {edge}" for edge in edges for side in ("before", "after"))


POINTS = points_of("notifier")
PLACES = tuple((service, point) for service in SERVICES for point in points_of(service))
"""Every point of every service that has it."""


@dataclass(frozen=True, slots=True)
class Crash:
    """At the `passing`th time that the point is passed, once the process is `after` seconds old."""

    point: str
    passing: int = 1
    after: float = 0.0

    def environment(self) -> dict[str, str]:
        return {_SETTING: f"{self.point},{self.passing},{self.after}"}

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self | None:
        if _SETTING not in environment:
            return None
        point, passing, after = environment[_SETTING].split(",")
        return cls(point, int(passing), float(after))


class Fuse:
    """Ends this process by SIGKILL, as a crash would: nothing is flushed, closed or given back."""

    def __init__(self, crash: Crash | None) -> None:
        self._crash = crash
        self._left = crash.passing if crash else 0
        self._from = time.monotonic() + (crash.after if crash else 0)

    def reach(self, point: str) -> None:
        if self._crash is None or point != self._crash.point or time.monotonic() < self._from:
            return
        self._left -= 1
        if self._left <= 0:
            os.write(2, f"dies {point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
