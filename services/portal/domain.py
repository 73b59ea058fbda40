"""What the portal knows of a registration, folded from the events about it. Pure: row and event in, row out.

Topics may be read in any order against each other, and another portal's registrations arrive here too. So
every event makes the row if it is missing, status only moves forward, a final status never changes, and each
detail is merged by a rule that does not ask what came first: the earliest time, the highest number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.portal.facts import DETAILS, Fact, happened_at, line, note_of
from shared.eligibility import Code
from shared.events import (
    ConfirmationResendRefused,
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
from shared.searching import folded

MOST_OF_A_NAME = 200  # characters
MOST_OF_AN_ADDRESS = 254


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
CLOSED = FINAL - {Status.APPROVED}

_IMPLIES: Mapping[type[Fact], frozenset[Status]] = {
    RegistrationOpened: frozenset({Status.AWAITING_CONFIRMATION}),
    ConfirmationSent: frozenset({Status.AWAITING_CONFIRMATION}),
    ConfirmationUndeliverable: frozenset({Status.AWAITING_CONFIRMATION}),
    CustomerConfirmed: frozenset({Status.AWAITING_APPROVAL}),
    RegistrationApproved: frozenset({Status.APPROVED}),
    RegistrationClosed: CLOSED,
}
"""A refused resend is not in it: it is refused in every status."""

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    (None, RegistrationRequested): frozenset({Status.REQUESTED}),
    **{
        (before, fact): implied
        for before in _STAGES
        for fact, implied in _IMPLIES.items()
        if all(before.stage < after.stage for after in implied)
    },
}


class Registration(NamedTuple):
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
    resend_requested_at: datetime | None = None
    resend_requested_by: str | None = None
    resend_awaited: bool = False  # notifier has said nothing newer since; its clock may differ, so times do not tell
    resend_refused_at: datetime | None = None  # when the refused one was requested
    resend_refused_code: str | None = None
    withdrawal_asked_at: datetime | None = None
    withdrawal_asked_by: str | None = None
    withdrawal_reason: str | None = None

    @property
    def search_text(self) -> str:
        """By which names sort: the two spaces put a name before those that go on after it."""
        name, address = folded(self.common_name)[:MOST_OF_A_NAME], folded(self.customer_email)[:MOST_OF_AN_ADDRESS]
        return f"{name}  {address}"

    @property
    def undeliverable(self) -> str | None:
        """Why the newest confirmation mail never arrived; None where none failed, or one was sent since."""
        return self.undeliverable_detail if _after(self.undeliverable_at, self.mail_sent_at) else None

    @property
    def resend_refusal(self) -> str | None:
        """Notifier's code where the newest word about a resend is that it was refused."""
        told = _after(self.resend_refused_at, self.resend_requested_at, self.mail_sent_at)
        return self.resend_refused_code if told else None

    @property
    def reasons_are_codes(self) -> bool:
        """Otherwise a person wrote them, and they are that person's words whatever they look like."""
        by_policy = self.status is Status.REJECTED and self.reasons == (Code.CURRENT_CUSTOMER,)
        return self.status is Status.REFUSED or by_policy

    @property
    def withdrawal_under_way(self) -> bool:
        return self.withdrawal_asked_at is not None and self.status not in FINAL


def _after(at: datetime | None, *others: datetime | None) -> bool:
    return at is not None and all(other is None or other <= at for other in others)


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
    return registration, line(request, None, Status.REQUESTED, Status.REQUESTED.stage, TRANSITION)


def missing(fact: Fact) -> Registration:
    """The row of a registration first heard of by `fact`, before anything that it tells."""
    at = happened_at(fact)
    return Registration(fact.registration_id, fact.partner_id, Status.REQUESTED, at, at)


def read(facts: Sequence[Fact], known: Mapping[UUID, Registration]) -> Decided:
    """Who is neither `known` nor changed yet is new."""
    decided = Decided()
    for fact in facts:
        it = fact.registration_id
        before = decided.changed.get(it) or known.get(it) or missing(fact)
        if fact.partner_id != before.partner_id:
            decided.misfits.append((fact, "registration_id_reused"))  # else one partner would read another's
            continue
        after = fold(before, fact)
        decided.history += _lines(before, after, fact)
        decided.changed[it] = after
    return decided


def fold(before: Registration, fact: Fact) -> Registration:
    target = _target(fact)
    if before.status in FINAL and target in FINAL and target is not before.status:
        return before
    at = happened_at(fact)
    allowed = TRANSITIONS.get((before.status, type(fact)), frozenset())
    return before._replace(
        status=target if target in allowed else before.status,
        requested_at=min(before.requested_at, at),
        changed_at=max(before.changed_at, at),
        **_missing_names(before, fact),
        **_details(before, fact),
    )


def _lines(before: Registration, after: Registration, fact: Fact) -> Iterator[Entry]:
    """The move, if it is one, and what happened where the move does not say it."""
    stage = after.status.stage
    moves = after.status is not before.status
    if moves:
        yield line(fact, before.status, after.status, stage, TRANSITION)
    unmoved = NO_EFFECT if after == before else DETAILS
    note = note_of(fact) or ("" if moves else unmoved)
    if note:
        yield line(fact, after.status, after.status, stage, note)


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
                "resend_awaited": False,
            }
        case ConfirmationResendRefused() if (before.resend_refused_at or _NEVER) < fact.requested_at:
            awaited = before.resend_awaited and fact.requested_at < (before.resend_requested_at or _NEVER)
            return {
                "resend_refused_at": fact.requested_at,
                "resend_refused_code": fact.code,
                "resend_awaited": awaited,
            }
        case ConfirmationUndeliverable() if (before.undeliverable_at or _NEVER) < fact.failed_at:
            return {
                "undeliverable_at": fact.failed_at,
                "undeliverable_detail": fact.detail,
                "resend_awaited": False,
            }
        case RegistrationClosed():
            return {"reasons": fact.reasons}
        case _:
            return {}


def _target(fact: Fact) -> Status | None:
    """None where the fact says nothing of the status."""
    if isinstance(fact, RegistrationClosed):
        return Status(fact.outcome.value)
    return next(iter(_IMPLIES.get(type(fact), ())), None)
