"""What a service does once its database has been set back: it takes from Kafka what it had told since.

Reading its input again is not enough. A decision that was told is not to be taken anew, on newer facts and perhaps
otherwise, and what people did on its pages (a click, an approval, a request) came by no topic but its own. So before a
service that was set back reads on, its own events since then are folded into its tables: nothing is told again, and
what is there already stays as it is. What was committed and lost before it was told is lost, or decided anew.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import ConsumerRecord

from shared.database import Transaction
from shared.eligibility import AccountDeleted
from shared.events import Event
from shared.messaging.batch import Decoded, decode
from shared.topics import TOPICS

E = TypeVar("E", bound=Event)


class Told:
    """Events since some time, those of one topic and key in order. Some may have come twice."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events: defaultdict[type[Event], list[Event]] = defaultdict(list)
        for event in events:
            self._events[type(event)].append(event)

    def of(self, *kinds: type[E]) -> Sequence[E]:
        return [event for kind in kinds for event in self._events[kind]]  # type: ignore[misc]  # listed by their type


@dataclass(frozen=True, slots=True)
class Memory:
    """`kinds` are the events that are read again: the service's own, and those that its rows begin with. `take_back`
    answers how many registrations it changed."""

    kinds: tuple[type[Event], ...]
    take_back: Callable[[Told, Transaction], Awaitable[int]]


def event_in(kind: type[Event], record: ConsumerRecord, service: str) -> Event | None:
    """None for what cannot be decoded, and for what somebody else wrote to a topic of the service's own."""
    if _writer(kind) == service and ("ce_source", f"/{service}".encode()) not in record.headers:
        return None
    decoded = decode(kind, record)
    if not isinstance(decoded, Decoded) or isinstance(decoded.event, AccountDeleted):
        return None
    return decoded.event


def _writer(kind: type[Event]) -> str:
    return next(topic.writer for topic in TOPICS if topic.event is kind)
