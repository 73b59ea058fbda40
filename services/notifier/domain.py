"""Notifier's confirmations, one a registration: the table of transitions, how one begins, how registrar ends it. Pure.

A confirmation is answered once. Registrar's final word ends it, whichever is read first. What happens within its life
is next door: `answers`, `periods`, `resends`, and in `mails` which mails are still worth sending.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.events import (
    ConfirmationExpired,
    ConfirmationResendRequested,
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
    EXPIRED = "expired"
    VOID = "void"


Final = RegistrationApproved | RegistrationClosed

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    (None, RegistrationOpened): frozenset({Status.PENDING}),
    (None, RegistrationApproved): frozenset({Status.VOID}),  # read before RegistrationOpened: nothing is to be asked
    (None, RegistrationClosed): frozenset({Status.VOID}),
    (Status.PENDING, CustomerConfirmed): frozenset({Status.CONFIRMED}),
    (Status.PENDING, CustomerDeclined): frozenset({Status.DECLINED}),
    (Status.PENDING, ConfirmationExpired): frozenset({Status.EXPIRED}),
    (Status.PENDING, ConfirmationResendRequested): frozenset({Status.PENDING}),
    (Status.PENDING, RegistrationApproved): frozenset({Status.VOID}),
    (Status.PENDING, RegistrationClosed): frozenset({Status.VOID}),
    # Registrar's final word on what was over before: the answer, or that none came, stands.
    (Status.CONFIRMED, RegistrationApproved): frozenset({Status.CONFIRMED}),
    (Status.CONFIRMED, RegistrationClosed): frozenset({Status.CONFIRMED}),
    (Status.DECLINED, RegistrationApproved): frozenset({Status.DECLINED}),
    (Status.DECLINED, RegistrationClosed): frozenset({Status.DECLINED}),
    (Status.EXPIRED, RegistrationApproved): frozenset({Status.EXPIRED}),
    (Status.EXPIRED, RegistrationClosed): frozenset({Status.EXPIRED}),
    (Status.PENDING, ConfirmationUndeliverable): frozenset({Status.PENDING}),
    # A mail in flight may be accepted after anything.
    **{(status, ConfirmationSent): frozenset({status}) for status in Status},
}


class MailKind(StrEnum):
    CONFIRMATION = "confirmation"
    REMINDER = "reminder"
    CUSTOMER_APPROVED = "customer_approved"
    CUSTOMER_REJECTED = "customer_rejected"
    CUSTOMER_WITHDRAWN = "customer_withdrawn"
    PARTNER_APPROVED = "partner_approved"
    PARTNER_CLOSED = "partner_closed"
    PARTNER_UNDELIVERABLE = "partner_undeliverable"
    REVIEW_DUE = "review_due"
    REVIEW_DUE_CLAIMER = "review_due_claimer"


class Mail(NamedTuple):
    """A mail owed. At most one leaves for each (registration, kind, period, number).

    `period` is the confirmation's, where the mail belongs to one. `number` is a reminder's place in REMINDERS_BEFORE,
    and for REVIEW_DUE the reader's place in REVIEW_MAIL_TO, both from 1.
    """

    registration_id: UUID
    kind: MailKind
    number: int = 1
    period: int = 1


class Confirmation(NamedTuple):
    """Each accepted resend begins another period: `period` counts from 1, and `asked_at`, `sent_at`, `valid_until`,
    `reminded` and `undeliverable` tell of the current one."""

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
    period: int
    asked_at: datetime
    """When the confirmation mail was queued; for one void from the start, when that was read."""
    sent_at: datetime | None
    """When the mail server accepted the confirmation mail."""
    valid_until: datetime | None
    """When the link ends. None while the mail is on its way: until it has left, nobody's time runs."""
    reminded: int
    """How many reminders were owed in this period."""
    reminded_to: datetime | None
    """The moments of REMINDERS_BEFORE up to this one are past: a moment, since the setting may change meanwhile."""
    undeliverable: bool
    """The confirmation mail was refused for good."""
    mailed: bool
    """Some confirmation mail was accepted, or may have been, in any period: the customer may know of it."""
    due_at: datetime | None
    """When the scheduler has to remind or to expire next; see `periods.due_at`."""
    answered_at: datetime | None
    ended_at: datetime | None
    """When registrar decided `outcome`, or notifier found that nobody had answered."""
    outcome: str | None
    """Registrar's final word: "approved" or a closing outcome."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """`reminders_before`: how long before the end of a period reminders are due, falling."""

    valid_for: timedelta
    resend_interval: timedelta
    resend_limit: int
    reminders_before: tuple[timedelta, ...]


@dataclass(slots=True)
class Decided:
    new: dict[UUID, Confirmation] = field(default_factory=dict)
    changed: dict[UUID, Confirmation] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def now_known(self, registration_id: UUID, known: Mapping[UUID, Confirmation]) -> Confirmation | None:
        return self.new.get(registration_id) or self.changed.get(registration_id) or known.get(registration_id)

    def on(self, known: Mapping[UUID, Confirmation]) -> Mapping[UUID, Confirmation]:
        """What was known, as it is now."""
        return {**known, **self.changed, **self.new}

    def put(self, it: Confirmation) -> None:
        (self.new if it.registration_id in self.new else self.changed)[it.registration_id] = it

    def add(self, more: "Decided") -> None:
        """What was decided next, on what this made of the known ones."""
        self.new.update(more.new)
        for it in more.changed.values():
            self.put(it)
        self.history += more.history
        self.mails += more.mails
        self.told += more.told


def is_open(it: Confirmation, now: datetime) -> bool:
    """Whether the customer may answer."""
    return it.status is Status.PENDING and (it.valid_until is None or now < it.valid_until)


def open_confirmations(
    opened: Iterable[RegistrationOpened], known: Mapping[UUID, Confirmation], now: datetime
) -> Decided:
    decided = Decided()
    for event in opened:
        before = decided.now_known(event.registration_id, known)
        if before:
            decided.history.append(unmoved(before, event.type(), "registrar", now))
            continue
        it = _confirmation(event, Status.PENDING, now)
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
        after = _ended(before, event, now)
        if before:
            decided.put(after)
        else:
            decided.new[after.registration_id] = after
        decided.history.append(moved(before, after, event.type(), "registrar", now, after.outcome))
        decided.mails += [Mail(after.registration_id, kind) for kind in _mails_at_the_end(after)]
    return decided


def _ended(before: Confirmation | None, event: Final, now: datetime) -> Confirmation:
    if before is None:
        after = _confirmation(event, Status.VOID, now)
    else:
        status = Status.VOID if before.status is Status.PENDING else before.status
        after = before._replace(status=status, version=before.version + 1, due_at=None)
    if isinstance(event, RegistrationApproved):
        return after._replace(outcome="approved", ended_at=event.approved_at)
    return after._replace(outcome=event.outcome.value, reasons=event.reasons, ended_at=event.closed_at)


def _mails_at_the_end(it: Confirmation) -> list[MailKind]:
    match it.outcome:
        case "approved":
            return [MailKind.CUSTOMER_APPROVED, MailKind.PARTNER_APPROVED]
        case Outcome.WITHDRAWN:  # the partner's own doing
            return [MailKind.CUSTOMER_WITHDRAWN] if knows(it) else []
        case Outcome.REJECTED if it.status is Status.CONFIRMED:
            return [MailKind.CUSTOMER_REJECTED, MailKind.PARTNER_CLOSED]
        case _:
            return [MailKind.PARTNER_CLOSED]


def knows(it: Confirmation) -> bool:
    """Whether the customer has heard of the registration: one who answered has, whatever became of the server's
    answer to the mail."""
    return it.mailed or it.answered_at is not None


def _confirmation(event: RegistrationOpened | Final, status: Status, now: datetime) -> Confirmation:
    return Confirmation(
        registration_id=event.registration_id,
        partner_id=event.partner_id,
        partner_name=event.partner_name,
        customer_email=event.customer_email,
        common_name=event.common_name,
        role="Partner",
        locale=event.locale,
        requested_by=event.requested_by,
        requester_locale=event.requester_locale,
        status=status,
        version=1,
        period=1,
        asked_at=now,
        sent_at=None,
        valid_until=None,
        reminded=0,
        reminded_to=None,
        undeliverable=False,
        mailed=False,
        due_at=None,
        answered_at=None,
        ended_at=None,
        outcome=None,
        reasons=(),
    )
