"""What notifier decides: one confirmation a registration, and which mails it owes to whom. Pure.

A confirmation is answered once. Registrar's final word ends it, whichever is read first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.events import (
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    CustomerDeclined,
    Event,
    Locale,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    Role,
)
from shared.history import Entry, moved, unmoved


class Status(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    VOID = "void"


Final = RegistrationApproved | RegistrationClosed

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    (None, RegistrationOpened): frozenset({Status.PENDING}),
    (None, RegistrationApproved): frozenset({Status.VOID}),  # read before RegistrationOpened: nothing is to be asked
    (None, RegistrationClosed): frozenset({Status.VOID}),
    (Status.PENDING, CustomerConfirmed): frozenset({Status.CONFIRMED}),
    (Status.PENDING, CustomerDeclined): frozenset({Status.DECLINED}),
    (Status.PENDING, RegistrationApproved): frozenset({Status.VOID}),
    (Status.PENDING, RegistrationClosed): frozenset({Status.VOID}),
    # Registrar's final word on an answered one: the answer stands.
    (Status.CONFIRMED, RegistrationApproved): frozenset({Status.CONFIRMED}),
    (Status.CONFIRMED, RegistrationClosed): frozenset({Status.CONFIRMED}),
    (Status.DECLINED, RegistrationApproved): frozenset({Status.DECLINED}),
    (Status.DECLINED, RegistrationClosed): frozenset({Status.DECLINED}),
}


class MailKind(StrEnum):
    CONFIRMATION = "confirmation"
    CUSTOMER_APPROVED = "customer_approved"
    CUSTOMER_REJECTED = "customer_rejected"
    PARTNER_APPROVED = "partner_approved"
    PARTNER_CLOSED = "partner_closed"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail owed. At most one leaves for each (registration, kind, period, number)."""

    registration_id: UUID
    kind: MailKind
    number: int = 1
    period: int = 1


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`number` counts the confirmation mails asked for; `valid_until` ends the current link; `outcome` is registrar's
    final word ("approved" or a closing outcome), None before it."""

    registration_id: UUID
    partner_id: str
    partner_name: str
    customer_email: str
    common_name: str
    role: Role
    locale: Locale | None
    requested_by: str
    requester_locale: Locale
    status: Status
    version: int
    number: int
    valid_until: datetime | None
    answered_at: datetime | None
    outcome: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    valid_for: timedelta
    resend_interval: timedelta
    resend_limit: int


@dataclass(frozen=True, slots=True)
class NoLongerOpen:
    """The refusal of an answer that comes too late: what ended the confirmation."""

    status: Status
    outcome: str | None


@dataclass(slots=True)
class Decided:
    new: dict[UUID, Confirmation] = field(default_factory=dict)
    changed: dict[UUID, Confirmation] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def now_known(self, registration_id: UUID, known: Mapping[UUID, Confirmation]) -> Confirmation | None:
        return self.new.get(registration_id) or self.changed.get(registration_id) or known.get(registration_id)

    def put(self, it: Confirmation) -> None:
        (self.new if it.registration_id in self.new else self.changed)[it.registration_id] = it


def open_confirmations(
    opened: Iterable[RegistrationOpened], known: Mapping[UUID, Confirmation], policy: Policy, now: datetime
) -> Decided:
    decided = Decided()
    for event in opened:
        before = decided.now_known(event.registration_id, known)
        if before:
            decided.history.append(unmoved(before, event.type(), "registrar", now))
            continue
        it = _confirmation(event, event.locale, now + policy.valid_for)
        decided.new[it.registration_id] = it
        decided.mails.append(Mail(it.registration_id, MailKind.CONFIRMATION))
        decided.history.append(moved(None, it, event.type(), "registrar", now))
    return decided


def end_confirmations(finals: Sequence[Final], known: Mapping[UUID, Confirmation], now: datetime) -> Decided:
    """Registrar's final word: an unanswered confirmation becomes void, and whom it concerns is told by mail."""
    decided = Decided()
    for event in finals:
        before = decided.now_known(event.registration_id, known)
        if before and before.outcome:
            decided.history.append(unmoved(before, event.type(), "registrar", now))
            continue
        outcome = "approved" if isinstance(event, RegistrationApproved) else event.outcome.value
        reasons = () if isinstance(event, RegistrationApproved) else event.reasons
        if before is None:
            after = replace(_confirmation(event, event.locale, None), status=Status.VOID)
            decided.new[after.registration_id] = after = replace(after, outcome=outcome, reasons=reasons)
        else:
            ends = before.status is Status.PENDING
            after = replace(
                before,
                status=Status.VOID if ends else before.status,
                version=before.version + 1,
                outcome=outcome,
                reasons=reasons,
            )
            decided.put(after)
        decided.history.append(moved(before, after, event.type(), "registrar", now, outcome))
        decided.mails += [Mail(after.registration_id, kind) for kind in _mails_at_the_end(after, event)]
    return decided


def _mails_at_the_end(it: Confirmation, event: Final) -> list[MailKind]:
    if isinstance(event, RegistrationApproved):
        return [MailKind.CUSTOMER_APPROVED, MailKind.PARTNER_APPROVED]
    kinds = []
    if event.outcome is Outcome.REJECTED and it.status is Status.CONFIRMED:
        kinds.append(MailKind.CUSTOMER_REJECTED)
    if event.outcome is not Outcome.WITHDRAWN:
        kinds.append(MailKind.PARTNER_CLOSED)
    return kinds


def confirm(it: Confirmation, now: datetime) -> CustomerConfirmed | NoLongerOpen | None:
    """None where it is confirmed already: told once."""
    if it.status is Status.CONFIRMED:
        return None
    if not is_open(it, now):
        return NoLongerOpen(it.status, it.outcome)
    return CustomerConfirmed.about(it, confirmed_at=now)


def decline(it: Confirmation, reason: str | None, now: datetime) -> CustomerDeclined | NoLongerOpen | None:
    if it.status is Status.DECLINED:
        return None
    if not is_open(it, now):
        return NoLongerOpen(it.status, it.outcome)
    return CustomerDeclined(registration_id=it.registration_id, reason=reason, declined_at=now)


def is_open(it: Confirmation, now: datetime) -> bool:
    return it.status is Status.PENDING and it.valid_until is not None and now < it.valid_until


def answered(it: Confirmation, answer: CustomerConfirmed | CustomerDeclined, now: datetime) -> Decided:
    """What the customer's answer changes."""
    status = Status.CONFIRMED if isinstance(answer, CustomerConfirmed) else Status.DECLINED
    reason = answer.reason if isinstance(answer, CustomerDeclined) else None
    after = replace(it, status=status, version=it.version + 1, answered_at=now)
    line = moved(it, after, answer.type(), it.customer_email, now, reason)
    return Decided(changed={it.registration_id: after}, history=[line], told=[answer])


def sent(it: Confirmation, number: int, policy: Policy, now: datetime) -> tuple[Confirmation, ConfirmationSent]:
    """The mail server accepted confirmation mail `number`: its link is valid for the full period from now."""
    after = replace(it, valid_until=now + policy.valid_for)
    left = max(0, policy.resend_limit - (number - 1))
    return after, ConfirmationSent(
        registration_id=it.registration_id,
        partner_id=it.partner_id,
        number=number,
        sent_at=now,
        valid_until=now + policy.valid_for,
        resends_left=left,
        next_resend_at=now + policy.resend_interval if left else None,
    )


def undeliverable(it: Confirmation, detail: str, now: datetime) -> ConfirmationUndeliverable:
    """The mail server refused the recipient for good. The registration stays open."""
    return ConfirmationUndeliverable(
        registration_id=it.registration_id, partner_id=it.partner_id, detail=detail, failed_at=now
    )


def _confirmation(
    event: RegistrationOpened | Final, locale: Locale | None, valid_until: datetime | None
) -> Confirmation:
    return Confirmation(
        registration_id=event.registration_id,
        partner_id=event.partner_id,
        partner_name=event.partner_name,
        customer_email=event.customer_email,
        common_name=event.common_name,
        role="Partner",
        locale=locale,
        requested_by=event.requested_by,
        requester_locale=event.requester_locale,
        status=Status.PENDING,
        version=1,
        number=1,
        valid_until=valid_until,
        answered_at=None,
        outcome=None,
        reasons=(),
    )
