"""What the portal knows of a registration, folded from the events about it. Pure: row and event in, row out.

Topics may be read in any order against each other, and another portal's registrations arrive here too. So
every event makes the row if it is missing, status only moves forward, a final status never changes, and each
detail is merged by a rule that does not ask what came first: the earliest time, the highest number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.events import (
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    Event,
    Locale,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    RegistrationRequested,
)
from shared.history import NO_EFFECT, TRANSITION, Entry


class Status(StrEnum):
    REQUESTED = "requested"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"

    @property
    def stage(self) -> int:
        """1 to 4. A registration only moves to a later stage, so a stage is also a version, reached once."""
        return _STAGES.get(self, 4)


_STAGES = {Status.REQUESTED: 1, Status.AWAITING_CONFIRMATION: 2, Status.AWAITING_APPROVAL: 3}
FINAL = frozenset(Status) - _STAGES.keys()

Fact = (
    RegistrationOpened
    | ConfirmationSent
    | ConfirmationUndeliverable
    | CustomerConfirmed
    | RegistrationApproved
    | RegistrationClosed
)

_IMPLIES: Mapping[type[Fact], frozenset[Status]] = {
    RegistrationOpened: frozenset({Status.AWAITING_CONFIRMATION}),
    ConfirmationSent: frozenset({Status.AWAITING_CONFIRMATION}),
    ConfirmationUndeliverable: frozenset({Status.AWAITING_CONFIRMATION}),
    CustomerConfirmed: frozenset({Status.AWAITING_APPROVAL}),
    RegistrationApproved: frozenset({Status.APPROVED}),
    RegistrationClosed: FINAL - {Status.APPROVED},
}

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    (None, RegistrationRequested): frozenset({Status.REQUESTED}),
    **{
        (before, fact): implied
        for before in _STAGES
        for fact, implied in _IMPLIES.items()
        if all(before.stage < after.stage for after in implied)
    },
}


@dataclass(frozen=True, slots=True)
class Registration:
    """None: no event told it yet. `requested_at` is the earliest moment known, `changed_at` the latest."""

    registration_id: UUID
    partner_id: str
    status: Status
    requested_at: datetime
    changed_at: datetime
    batch_id: UUID | None = None
    partner_name: str | None = None
    customer_email: str | None = None
    common_name: str | None = None
    role: str | None = None
    requested_by: str | None = None
    requester_locale: Locale | None = None
    reasons: tuple[str, ...] = ()
    mail_number: int = 0
    mail_sent_at: datetime | None = None
    valid_until: datetime | None = None
    resends_left: int | None = None
    next_resend_at: datetime | None = None
    undeliverable_at: datetime | None = None
    undeliverable_detail: str | None = None

    @property
    def undeliverable(self) -> str | None:
        """Why the newest confirmation mail never arrived; None where none failed, or one was sent since."""
        overtaken = self.undeliverable_at and self.mail_sent_at and self.mail_sent_at > self.undeliverable_at
        return None if overtaken else self.undeliverable_detail


@dataclass(slots=True)
class Decided:
    """What a batch did: registrations changed, lines of history, events to quarantine."""

    changed: dict[UUID, Registration] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    misfits: list[tuple[Event, str]] = field(default_factory=list)


def requested(request: RegistrationRequested) -> tuple[Registration, Entry]:
    """The row of a registration that this portal publishes, and the first line of its history."""
    registration = Registration(
        status=Status.REQUESTED,
        changed_at=request.requested_at,
        **{name: getattr(request, name) for name in RegistrationRequested.model_fields},
    )
    return registration, _entry(None, registration, request)


def missing(fact: Fact) -> Registration:
    """The row of a registration first heard of by `fact`, before anything that it tells."""
    at = _happened_at(fact)
    return Registration(fact.registration_id, fact.partner_id, Status.REQUESTED, at, at)


def read(facts: Sequence[Fact], known: Mapping[UUID, Registration]) -> Decided:
    """Every fact's registration is in `known`."""
    decided = Decided()
    for fact in facts:
        before = decided.changed.get(fact.registration_id) or known[fact.registration_id]
        if fact.partner_id != before.partner_id:
            decided.misfits.append((fact, "registration_id_reused"))  # else one partner would read another's
            continue
        after = fold(before, fact)
        if after.status is not before.status:
            decided.history.append(_entry(before.status, after, fact))
        elif after == before:
            decided.history.append(_entry(before.status, before, fact, NO_EFFECT))
        decided.changed[fact.registration_id] = after
    return decided


def fold(before: Registration, fact: Fact) -> Registration:
    target = _target(fact)
    if before.status in FINAL and target in FINAL and target is not before.status:
        return before
    at = _happened_at(fact)
    forward = target in TRANSITIONS.get((before.status, type(fact)), ())
    return replace(
        before,
        status=target if forward else before.status,
        requested_at=min(before.requested_at, at),
        changed_at=max(before.changed_at, at),
        **_missing_names(before, fact),
        **_details(before, fact),
    )


_NEVER = datetime.min.replace(tzinfo=UTC)
_NAMES = ("partner_name", "customer_email", "common_name", "role", "requested_by", "requester_locale")


def _missing_names(before: Registration, fact: Fact) -> dict[str, Any]:
    return {name: getattr(fact, name, None) for name in _NAMES if getattr(before, name) is None}


def _details(before: Registration, fact: Fact) -> dict[str, Any]:
    match fact:
        case ConfirmationSent() if fact.number > before.mail_number:
            return {
                "mail_number": fact.number,
                "mail_sent_at": fact.sent_at,
                "valid_until": fact.valid_until,
                "resends_left": fact.resends_left,
                "next_resend_at": fact.next_resend_at,
            }
        case ConfirmationUndeliverable() if (before.undeliverable_at or _NEVER) < fact.failed_at:
            return {"undeliverable_at": fact.failed_at, "undeliverable_detail": fact.detail}
        case RegistrationClosed():
            return {"reasons": fact.reasons}
        case _:
            return {}


def _target(fact: Fact) -> Status:
    if isinstance(fact, RegistrationClosed):
        return Status(fact.outcome.value)
    (target,) = _IMPLIES[type(fact)]
    return target


def _happened_at(event: RegistrationRequested | Fact) -> datetime:
    at: datetime = getattr(event, _TIME_OF[type(event)])
    return at


_TIME_OF = {
    RegistrationRequested: "requested_at",
    RegistrationOpened: "opened_at",
    ConfirmationSent: "sent_at",
    ConfirmationUndeliverable: "failed_at",
    CustomerConfirmed: "confirmed_at",
    RegistrationApproved: "approved_at",
    RegistrationClosed: "closed_at",
}


def _entry(
    before: Status | None, after: Registration, event: RegistrationRequested | Fact, note: str = TRANSITION
) -> Entry:
    return Entry(
        registration_id=after.registration_id,
        version=after.status.stage,
        status_from=before,
        status_to=after.status,
        event=event.type(),
        note=note,
        actor=_actor(event),
        reason=", ".join(event.reasons) or None if isinstance(event, RegistrationClosed) else None,
        at=_happened_at(event),
    )


def _actor(event: RegistrationRequested | Fact) -> str:
    """The person, where the event names one; else the service that wrote it."""
    match event:
        case RegistrationRequested():
            return event.requested_by
        case CustomerConfirmed():
            return event.customer_email
        case RegistrationApproved():
            return event.approved_by
        case ConfirmationSent() | ConfirmationUndeliverable():
            return "notifier"
        case RegistrationOpened() | RegistrationClosed():
            return "registrar"
