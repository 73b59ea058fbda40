"""Traces: one registration is one trace, whoever works on it and however many days lie between.

The id of the trace is the registration's own, so whoever knows one has found the other, and what begins anew (a mail, a
click, a deadline) belongs to it without having been told. What one did because of another is told by `traceparent`: it
is kept with the event in the outbox, goes over Kafka as a header, and is the parent of what its reader does. What has
no such parent has the registration's first span for one. See decision 26.

A span never holds an address, a name or a link.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from secrets import randbits
from typing import Protocol
from uuid import UUID

FIRST = "RegistrationRequested"
"""The event that a registration's first span is about."""
NOTHING = "{}"
"""The headers of an event that no span tells of."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_RANDOM_BITS = 56  # of an id, on the right: what is drawn is drawn by these, in all programs that follow W3C
Headers = Sequence[tuple[str, bytes | None]]


class Told(Protocol):
    """An event."""

    @classmethod
    def type(cls) -> str: ...


@dataclass(frozen=True, slots=True)
class Span:
    """What one service did of one registration. Ids are W3C's; moments are nanoseconds since 1970. `elsewhere`: trace
    and span of somebody's own trace that led to it."""

    name: str
    registration_id: UUID
    id: int
    parent: int | None
    began: int
    ended: int = 0
    elsewhere: tuple[int, int] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def traceparent(self) -> str:
        return f"00-{self.registration_id.int:032x}-{self.id:016x}-01"


class Traces:
    """Of one service. `export` is given each span that has ended. `share`: of all registrations, the part that is
    traced, in all services the same ones."""

    def __init__(self, service: str, export: Callable[[Span], None], share: float = 1.0) -> None:
        self._service = service
        self._export = export
        self._below = share * 2**_RANDOM_BITS

    def begin(self, does: str, about: str, registration_id: UUID, headers: Headers = ()) -> Span | None:
        """None where this registration is not traced. `does`: what the service does; `about`: the event, or the kind of
        mail; `headers`: of the record that it does it for."""
        if registration_id.int == 0 or registration_id.int % 2**_RANDOM_BITS >= self._below:
            return None
        found = parent_in(headers)
        ours = found is not None and found[0] == registration_id.int
        is_first = about == FIRST and not ours
        return Span(
            f"{self._service} {does} {about}",
            registration_id,
            id=first_span(registration_id) if is_first else randbits(64) or 1,
            parent=found[1] if found and ours else None if is_first else first_span(registration_id),
            began=time.time_ns(),
            elsewhere=None if ours else found,
            attributes={"registration.id": str(registration_id), "registration.about": about},
        )

    def end(self, span: Span, **attributes: str) -> None:
        self._export(replace(span, ended=time.time_ns(), attributes={**span.attributes, **attributes}))

    @contextmanager
    def span(self, does: str, about: str, registration_id: UUID) -> Iterator[dict[str, str]]:
        """Around what is done. Yields what else is to be said of it."""
        said: dict[str, str] = {}
        span = self.begin(does, about, registration_id)
        yield said
        if span:
            self.end(span, **said)


class Trail:
    """The spans of one transaction: of the events that it handles, and of those that it tells of its own accord."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._handles: dict[UUID, Span] = {}
        self._tells: list[Span] = []

    def handles(self, event: Told, headers: Headers) -> None:
        if (registration_id := _registration_of(event)) and (
            span := self._traces.begin("handles", event.type(), registration_id, headers)
        ):
            if before := self._handles.get(registration_id):
                self._tells.append(before)  # two of one registration in a batch: the later one leads to what is told
            self._handles[registration_id] = span

    def headers_of(self, event: Told) -> str:
        """JSON, for the outbox: the headers by which `event` tells what led to it."""
        registration_id = _registration_of(event)
        if registration_id is None:
            return NOTHING
        span = self._handles.get(registration_id)
        if span is None:
            span = self._traces.begin("tells", event.type(), registration_id)
            if span is None:
                return NOTHING
            self._tells.append(span)
        return json.dumps({"traceparent": span.traceparent})

    def end(self) -> None:
        """Once committed."""
        for span in (*self._handles.values(), *self._tells):
            self._traces.end(span)


def first_span(registration_id: UUID) -> int:
    return registration_id.int % 2**64 or 1


def trace_id(registration_id: str) -> str:
    """As tools write it, of a registration's id as we write it."""
    return registration_id.replace("-", "")


def parent_in(headers: Headers) -> tuple[int, int] | None:
    """Trace and span of `traceparent`; None without one that can be read. Never raises: headers come from anybody."""
    for name, value in headers:
        if name == "traceparent" and value:
            match = _TRACEPARENT.fullmatch(value.decode("ascii", "replace"))
            found = (int(match[1], 16), int(match[2], 16)) if match else (0, 0)
            return found if all(found) else None
    return None


def _registration_of(event: object) -> UUID | None:
    found = getattr(event, "registration_id", None)
    return found if isinstance(found, UUID) else None
