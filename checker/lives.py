"""The evidence, put together by registration: small, since a run may have hundreds of thousands.

One list a registration holds what was told, done and mailed about it; a `Life` is made of it only while it is judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from checker.evidence import Rules


class Told(NamedTuple):
    """A record's value as far as promises need it. `identity` is made of its ce_id, `sum` of its whole value; `word`
    is an outcome or code, `person` who asked or claimed, `at` when it was sent or asked; the rest is its place."""

    event: str
    identity: int | None
    sum: int
    partner_id: str | None
    email: str | None
    word: str | None
    number: int | None
    person: str | None
    at: datetime | None
    until: datetime | None
    partition: int
    offset: int


class Fact(NamedTuple):
    """The newest version told of an account, and its place; None once the account was deleted."""

    version: int | None
    partition: int
    offset: int


class Move(NamedTuple):
    """A line of history but for its moment: there are few different ones. A transition has no note."""

    service: str
    before: str | None
    after: str
    event: str
    note: str
    version: int


class Step(NamedTuple):
    """A line of history."""

    service: str
    before: str | None
    after: str
    event: str
    note: str
    version: int
    at: datetime


class Mail(NamedTuple):
    kind: str
    period: int
    number: int
    state: str
    queued_at: datetime
    sent_at: datetime | None


class Arrived(NamedTuple):
    """A message received, with what its Message-ID says of its mail."""

    to: str
    kind: str
    period: int
    number: int


About = list[Told | Move | datetime | Mail | Arrived]
"""What is known of one registration. A line of history is two entries, its move and then its moment."""


@dataclass(slots=True)
class Run:
    """The whole evidence. `moves` are registrar's transitions, all registrations' in one order; `strays` are what can
    be said while reading: the promise, the registration if any, and the detail. `set_aside` are the records in
    quarantine: whose it is, event, partition, offset. `facts` are by email, `kept` versions by service and email."""

    now: datetime
    settled: bool
    duplicates_allowed: bool
    services: frozenset[str]
    rules: Rules
    has_mails: bool
    has_received: bool
    about: dict[str, About] = field(default_factory=dict)
    moves: list[tuple[str, Move, datetime]] = field(default_factory=list)
    strays: list[tuple[str, str | None, str]] = field(default_factory=list)
    facts: dict[str, Fact] = field(default_factory=dict)
    kept: dict[tuple[str, str], int] | None = None
    set_aside: set[tuple[str, str, int, int]] = field(default_factory=set)

    def ran(self, service: str) -> bool:
        return service in self.services

    def of(self, registration_id: str) -> About:
        return self.about.setdefault(registration_id, [])


class Life:
    """All about one registration. `told` holds distinct records by event, `moves` transitions and `notes` the other
    lines by service; `reused` names events of which one ce_id has two values."""

    __slots__ = ("arrived", "mails", "moves", "notes", "registration_id", "reused", "told")

    def __init__(self, registration_id: str, about: About) -> None:
        self.registration_id = registration_id
        self.told: dict[str, list[Told]] = {}
        self.moves: dict[str, list[Step]] = {}
        self.notes: dict[str, list[Step]] = {}
        self.mails: list[Mail] = []
        self.arrived: list[Arrived] = []
        self.reused: list[str] = []
        seen: dict[tuple[str, int], int] = {}
        entries = iter(about)
        for it in entries:
            match it:
                case Told():
                    self._hear(it, seen)
                case Move():
                    at = next(entries)
                    assert isinstance(at, datetime)
                    (self.notes if it.note else self.moves).setdefault(it.service, []).append(Step(*it, at))
                case Mail():
                    self.mails.append(it)
                case Arrived():
                    self.arrived.append(it)

    def _hear(self, it: Told, seen: dict[tuple[str, int], int]) -> None:
        """The relay may publish a record twice: that counts once."""
        if it.identity is not None:
            key = (it.event, it.identity)
            if key in seen:
                if seen[key] != it.sum:
                    self.reused.append(it.event)
                return
            seen[key] = it.sum
        self.told.setdefault(it.event, []).append(it)

    def of(self, event: str) -> list[Told]:
        return self.told.get(event, [])

    def by(self, service: str, event: str) -> list[Step]:
        """The transitions that `service` made on `event`."""
        return [step for step in self.moves.get(service, ()) if step.event == event]

    def status(self, service: str) -> str | None:
        moves = self.moves.get(service)
        return moves[-1].after if moves else None

    def reached(self, service: str, status: str) -> bool:
        return any(step.after == status for step in self.moves.get(service, ()))

    def known_as(self) -> Told | None:
        """Who registers whom: as registrar says, else as it was first requested."""
        for event in ("RegistrationOpened", "RegistrationClosed", "RegistrationApproved", "RegistrationRequested"):
            if records := self.of(event):
                return records[0]
        return None

    @property
    def partner_id(self) -> str | None:
        it = self.known_as()
        return it.partner_id if it else None

    def own(self, event: str) -> list[Told]:
        """The records of `event` that name the registration's own partner, and its account where they name one."""
        known = self.known_as()
        if known is None:
            return []
        mine = (known.partner_id, known.email)
        return [it for it in self.of(event) if (it.partner_id, it.email or known.email) == mine]


def lives(run: Run) -> Iterator[Life]:
    for registration_id, about in run.about.items():
        yield Life(registration_id, about)
