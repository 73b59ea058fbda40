"""The arithmetic of an open loop. Pure.

Requests are due at even steps, whatever became of those before, and each delay counts from the moment it was due: a
system that stands still cannot hide it by being asked less. What never came is infinitely late.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

NEVER = math.inf
KEPT_UP = 2.0  # seconds from the last request's being due to the last approval, at most


@dataclass(slots=True)
class Life:
    """`due`: its request. `confirming`, `approving`: when its form was to be posted. What has not happened is NEVER."""

    due: float
    mailed: float = NEVER
    confirming: float = NEVER
    opened: float = NEVER
    approving: float = NEVER
    approved: float = NEVER
    refused: str = ""


LEGS: dict[str, Callable[[Life], tuple[float, float]]] = {
    "mail": lambda it: (it.due, it.mailed),
    "case": lambda it: (it.confirming, it.opened),
    "approval": lambda it: (it.approving, it.approved),
}
"""From the request to the mail's being accepted; from the customer's confirmation to the case's being open; from the
reviewer's approval to `RegistrationApproved` in its topic."""


@dataclass(frozen=True, slots=True)
class Figures:
    """In milliseconds; infinite where so many never came."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Latency:
    """At `rate` a second: `count` were due, `ended` were approved in the end, `carried` a second from the first's being
    due to the last's approval, `late` seconds after the last was due. `legs`: by name. `refused`: what pages answered
    instead, how often."""

    rate: float
    count: int
    ended: int
    carried: float
    late: float
    legs: dict[str, Figures]
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def kept_up(self) -> bool:
        return self.ended == self.count and self.late <= KEPT_UP


def due_at(begun: float, rate: float, number: int) -> float:
    """When request `number`, from 0, is due: in the unit of `begun`, seconds, at `rate` a second."""
    return begun + number / rate


def percentile(delays: Collection[float], share: float) -> float:
    """The smallest of `delays` that at least `share` (0 to 1) of them do not exceed."""
    ordered = sorted(delays)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def figures(delays: Collection[float]) -> Figures:
    """`delays` in seconds. Where none was due, none came."""
    if not delays:
        return Figures(NEVER, NEVER, NEVER)
    return Figures(*(1000 * it for it in (percentile(delays, 0.5), percentile(delays, 0.99), max(delays))))


def latency(rate: float, lives: Sequence[Life]) -> Latency:
    """A leg counts the lives that came to its beginning. `lives`: at least one, in the order in which they were due."""
    ended = [it.approved for it in lives if it.approved < NEVER]
    legs = {}
    for name, leg in LEGS.items():
        spans = [leg(it) for it in lives]
        legs[name] = figures([end - begun for begun, end in spans if begun < NEVER])
    return Latency(
        rate=rate,
        count=len(lives),
        ended=len(ended),
        carried=len(ended) / (max(ended) - lives[0].due) if ended else 0.0,
        late=max(ended) - lives[-1].due if ended else NEVER,
        legs=legs,
        refused=Counter(it.refused for it in lives if it.refused),
    )
