"""One line of a registration's history in one service: what happened, by whom, why, when. Pure."""

from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

TRANSITION = ""
NO_EFFECT = "no_effect"
"""The fact came again, or after its time: it changed nothing."""
WRONG_PARTNER = "wrong_partner"
"""The fact came from a partner that the registration does not belong to: it changed nothing."""


class Entry(NamedTuple):
    """A transition, or with a `note` a fact that changed nothing. `actor` is a person, a policy or a service."""

    registration_id: UUID
    version: int
    status_from: str | None
    status_to: str
    event: str
    note: str
    actor: str
    reason: str | None
    at: datetime


class Versioned(Protocol):
    """Anything with a lifecycle: a registration, a confirmation, a case."""

    @property
    def registration_id(self) -> UUID: ...
    @property
    def status(self) -> str: ...
    @property
    def version(self) -> int: ...


def moved(
    before: Versioned | None,
    after: Versioned,
    event: str,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> Entry:
    """The transition from `before` (None: there was nothing) to `after`."""
    return Entry(
        registration_id=after.registration_id,
        version=after.version,
        status_from=before.status if before else None,
        status_to=after.status,
        event=event,
        note=TRANSITION,
        actor=actor,
        reason=reason,
        at=at,
    )


def unmoved(
    it: Versioned, event: str, actor: str, at: datetime, *, note: str = NO_EFFECT, reason: str | None = None
) -> Entry:
    """A fact that changed nothing, and why. The same event with the same note is kept once."""
    return Entry(
        registration_id=it.registration_id,
        version=it.version,
        status_from=it.status,
        status_to=it.status,
        event=event,
        note=note,
        actor=actor,
        reason=reason,
        at=at,
    )
