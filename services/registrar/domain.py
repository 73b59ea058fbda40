"""A registration's life, as registrar decides it. Pure: facts and time in, decisions out.

A fact implies those before it, a fact that comes again or too late changes nothing, and a final status never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.eligibility import Account
from shared.events import (
    ConfirmationExpired,
    CustomerConfirmed,
    CustomerDeclined,
    Event,
    Locale,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationRequested,
    RegistrationWithdrawn,
    Role,
    VngApproved,
    VngRejected,
)
from shared.history import WRONG_PARTNER, Entry, moved, unmoved


class Status(StrEnum):
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


OPEN = frozenset({Status.AWAITING_CONFIRMATION, Status.AWAITING_APPROVAL})
HOLDING = OPEN | {Status.APPROVED}
"""An account is held by at most one registration in one of these."""

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    # Withdrawn where the withdrawal was read before the request.
    (None, RegistrationRequested): frozenset({Status.AWAITING_CONFIRMATION, Status.REFUSED, Status.WITHDRAWN}),
    (Status.AWAITING_CONFIRMATION, CustomerConfirmed): frozenset({Status.AWAITING_APPROVAL}),
    (Status.AWAITING_CONFIRMATION, CustomerDeclined): frozenset({Status.DECLINED}),
    (Status.AWAITING_CONFIRMATION, ConfirmationExpired): frozenset({Status.EXPIRED}),
    (Status.AWAITING_CONFIRMATION, RegistrationWithdrawn): frozenset({Status.WITHDRAWN}),
    (Status.AWAITING_CONFIRMATION, VngApproved): frozenset({Status.APPROVED}),  # implies the confirmation
    (Status.AWAITING_CONFIRMATION, VngRejected): frozenset({Status.REJECTED}),
    (Status.AWAITING_APPROVAL, RegistrationWithdrawn): frozenset({Status.WITHDRAWN}),
    (Status.AWAITING_APPROVAL, VngApproved): frozenset({Status.APPROVED}),
    (Status.AWAITING_APPROVAL, VngRejected): frozenset({Status.REJECTED}),
}


class Registration(NamedTuple):
    registration_id: UUID
    batch_id: UUID | None
    partner_id: str
    partner_name: str
    customer_email: str
    common_name: str
    role: Role
    locale: Locale | None
    account_id: str | None
    requested_by: str
    requester_locale: Locale
    status: Status
    version: int
    codes: tuple[str, ...]
    requested_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class EarlyWithdrawal:
    """All that is kept of a withdrawal that was read before its request."""

    registration_id: UUID
    partner_id: str


@dataclass(slots=True)
class Decided:
    """What a batch did: registrations new and changed, lines of history, events to tell, events to quarantine, and the
    withdrawals of registrations that nobody has requested yet."""

    new: dict[UUID, Registration] = field(default_factory=dict)
    changed: dict[UUID, Registration] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    misfits: list[tuple[Event, str]] = field(default_factory=list)
    early: list[EarlyWithdrawal] = field(default_factory=list)


NO_ACCOUNTS: Mapping[str, Account] = {}

Fact = CustomerConfirmed | CustomerDeclined | ConfirmationExpired | RegistrationWithdrawn | VngApproved | VngRejected

_LEADS_TO: Mapping[type[Fact], Status] = {
    CustomerConfirmed: Status.AWAITING_APPROVAL,
    CustomerDeclined: Status.DECLINED,
    ConfirmationExpired: Status.EXPIRED,
    RegistrationWithdrawn: Status.WITHDRAWN,
    VngApproved: Status.APPROVED,
    VngRejected: Status.REJECTED,
}


def advance(
    facts: Sequence[Fact],
    known: Mapping[UUID, Registration],
    now: datetime,
    accounts: Mapping[str, Account] = NO_ACCOUNTS,
) -> Decided:
    """`accounts` are the newest facts about the accounts of what is `approved`: who opened one at an address may not be
    who has it by now."""
    decided = Decided()
    for fact in facts:
        before = decided.changed.get(fact.registration_id) or known.get(fact.registration_id)
        target = _LEADS_TO[type(fact)]
        if before is None:
            _note_unknown(fact, decided)
        elif isinstance(fact, RegistrationWithdrawn) and fact.partner_id != before.partner_id:
            line = unmoved(before, fact.type(), fact.withdrawn_by, now, note=WRONG_PARTNER, reason=fact.partner_id)
            decided.history.append(line)
        elif target not in TRANSITIONS.get((before.status, type(fact)), ()):
            decided.history.append(unmoved(before, fact.type(), _actor(fact, before), now))
        else:
            account = accounts.get(before.customer_email) if isinstance(fact, VngApproved) else None
            _move(before, target, fact, account, now, decided)
    return decided


def approved(facts: Sequence[Fact], known: Mapping[UUID, Registration]) -> set[str]:
    """The addresses of the known ones that VNG has approved."""
    ids = {fact.registration_id for fact in facts if isinstance(fact, VngApproved)}
    return {known[it].customer_email for it in ids & known.keys()}


def _note_unknown(fact: Fact, decided: Decided) -> None:
    """Only a withdrawal may be read before the request: the portal writes both. The others follow from an answer."""
    if isinstance(fact, RegistrationWithdrawn):
        decided.early.append(EarlyWithdrawal(fact.registration_id, fact.partner_id))
    else:
        decided.misfits.append((fact, "unknown_registration"))


def _move(
    before: Registration, target: Status, fact: Fact, account: Account | None, now: datetime, decided: Decided
) -> None:
    known = account if account and not account.deleted else before
    after = before._replace(
        status=target,
        version=before.version + 1,
        changed_at=now,
        account_id=known.account_id,
        locale=known.locale,
    )
    decided.changed[after.registration_id] = after
    decided.history.append(moved(before, after, fact.type(), _actor(fact, before), now, _reason(fact)))
    if isinstance(fact, VngApproved):
        decided.told.append(RegistrationApproved.about(after, approved_by=fact.approved_by, approved_at=now))
    elif target not in OPEN:
        reason = _reason(fact)
        decided.told.append(closed(after, (reason,) if reason else (), now))


def _actor(fact: Fact, registration: Registration) -> str:
    match fact:
        case VngApproved():
            return fact.approved_by
        case VngRejected():
            return fact.rejected_by
        case RegistrationWithdrawn():
            return fact.withdrawn_by
        case ConfirmationExpired():
            return "notifier"
        case CustomerConfirmed() | CustomerDeclined():
            return registration.customer_email


def _reason(fact: Fact) -> str | None:
    match fact:
        case VngApproved():
            return _why_approved(fact)
        case VngRejected() | CustomerDeclined() | RegistrationWithdrawn():
            return fact.reason
        case CustomerConfirmed() | ConfirmationExpired():
            return None


def _why_approved(fact: VngApproved) -> str | None:
    said = (
        fact.override_reason,
        f"despite {', '.join(fact.failing_codes)}" if fact.failing_codes else None,
        f"note: {fact.note}" if fact.note else None,
    )
    return "; ".join(filter(None, said)) or None


def closed(it: Registration, reasons: Sequence[str], now: datetime) -> RegistrationClosed:
    """The event that says how `it` ended."""
    outcome = Outcome(it.status.value)
    return RegistrationClosed.about(it, outcome=outcome, reasons=tuple(reasons), closed_at=now)
