"""What registrar decides: who may be registered, and how a registration moves. Pure: facts and time in, decisions out.

A fact implies those before it, a fact that comes again or too late changes nothing, and a final status never changes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.eligibility import Account, Code, CurrentCustomers, failing_conditions, partner_safe
from shared.events import (
    CustomerConfirmed,
    CustomerDeclined,
    Event,
    Locale,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    RegistrationRequested,
    Role,
    VngApproved,
    VngRejected,
)
from shared.history import Entry, moved, unmoved


class Status(StrEnum):
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REFUSED = "refused"
    DECLINED = "declined"
    REJECTED = "rejected"


OPEN = frozenset({Status.AWAITING_CONFIRMATION, Status.AWAITING_APPROVAL})
HOLDING = OPEN | {Status.APPROVED}
"""An account is held by at most one registration in one of these."""

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    (None, RegistrationRequested): frozenset({Status.AWAITING_CONFIRMATION, Status.REFUSED}),
    (Status.AWAITING_CONFIRMATION, CustomerConfirmed): frozenset({Status.AWAITING_APPROVAL}),
    (Status.AWAITING_CONFIRMATION, CustomerDeclined): frozenset({Status.DECLINED}),
    (Status.AWAITING_CONFIRMATION, VngApproved): frozenset({Status.APPROVED}),  # implies the confirmation
    (Status.AWAITING_CONFIRMATION, VngRejected): frozenset({Status.REJECTED}),
    (Status.AWAITING_APPROVAL, VngApproved): frozenset({Status.APPROVED}),
    (Status.AWAITING_APPROVAL, VngRejected): frozenset({Status.REJECTED}),
}


@dataclass(frozen=True, slots=True)
class Registration:
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
class Policy:
    open_limit: int
    decline_cooldown: timedelta
    current_customers: CurrentCustomers


@dataclass(slots=True)
class Standing:
    """What else counts when requests are decided, as locked: folded through the batch, request by request."""

    accounts: Mapping[str, Account]
    held: set[str]
    open_count: Counter[str]
    declined: set[tuple[str, str]]
    """(customer_email, partner_id) of every decline within the cooldown."""


@dataclass(slots=True)
class Decided:
    """What a batch did: registrations new and changed, lines of history, events to tell, events to quarantine."""

    new: dict[UUID, Registration] = field(default_factory=dict)
    changed: dict[UUID, Registration] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    misfits: list[tuple[Event, str]] = field(default_factory=list)


Fact = CustomerConfirmed | CustomerDeclined | VngApproved | VngRejected

_LEADS_TO: Mapping[type[Fact], Status] = {
    CustomerConfirmed: Status.AWAITING_APPROVAL,
    CustomerDeclined: Status.DECLINED,
    VngApproved: Status.APPROVED,
    VngRejected: Status.REJECTED,
}


def open_registrations(
    requests: Iterable[RegistrationRequested],
    known: Mapping[UUID, Registration],
    standing: Standing,
    policy: Policy,
    now: datetime,
) -> Decided:
    decided = Decided()
    for request in requests:
        before = decided.new.get(request.registration_id) or known.get(request.registration_id)
        if before is None:
            _open(request, standing, policy, now, decided)
        elif (before.partner_id, before.customer_email) != (request.partner_id, request.customer_email):
            decided.misfits.append((request, "registration_id_reused"))
        else:
            decided.history.append(unmoved(before, request.type(), request.requested_by, now))
    return decided


def _open(request: RegistrationRequested, standing: Standing, policy: Policy, now: datetime, decided: Decided) -> None:
    codes = failing_codes(request, standing, policy)
    registration = _registration(request, standing.accounts.get(request.customer_email), codes, now)
    if not codes:
        standing.held.add(registration.customer_email)
        standing.open_count[registration.partner_id] += 1
    decided.new[registration.registration_id] = registration
    decided.history.append(
        moved(None, registration, request.type(), request.requested_by, now, ", ".join(codes) or None)
    )
    decided.told.append(
        _closed(registration, partner_safe(codes), now)
        if codes
        else RegistrationOpened.about(registration, opened_at=now)
    )


def failing_codes(request: RegistrationRequested, standing: Standing, policy: Policy) -> tuple[Code, ...]:
    """Every reason to refuse `request`; none if the customer may be asked."""
    account = standing.accounts.get(request.customer_email)
    codes = failing_conditions(account)
    if request.customer_email in standing.held:
        codes.append(Code.ALREADY_REGISTERED)
    if account and not account.deleted and account.vng_customer and policy.current_customers is CurrentCustomers.REFUSE:
        codes.append(Code.CURRENT_CUSTOMER)
    if standing.open_count[request.partner_id] >= policy.open_limit:
        codes.append(Code.TOO_MANY_OPEN)
    if (request.customer_email, request.partner_id) in standing.declined:
        codes.append(Code.DECLINED_RECENTLY)
    return tuple(codes)


def advance(facts: Sequence[Fact], known: Mapping[UUID, Registration], now: datetime) -> Decided:
    decided = Decided()
    for fact in facts:
        before = decided.changed.get(fact.registration_id) or known.get(fact.registration_id)
        target = _LEADS_TO[type(fact)]
        if before is None:
            decided.misfits.append((fact, "unknown_registration"))
        elif target not in TRANSITIONS.get((before.status, type(fact)), ()):
            decided.history.append(unmoved(before, fact.type(), _actor(fact, before), now))
        else:
            _move(before, target, fact, now, decided)
    return decided


def _move(before: Registration, target: Status, fact: Fact, now: datetime, decided: Decided) -> None:
    after = replace(before, status=target, version=before.version + 1, changed_at=now)
    decided.changed[after.registration_id] = after
    decided.history.append(moved(before, after, fact.type(), _actor(fact, before), now, _reason(fact)))
    if isinstance(fact, VngApproved):
        decided.told.append(RegistrationApproved.about(after, approved_by=fact.approved_by, approved_at=now))
    elif target not in OPEN:
        reason = _reason(fact)
        decided.told.append(_closed(after, (reason,) if reason else (), now))


def _actor(fact: Fact, registration: Registration) -> str:
    match fact:
        case VngApproved():
            return fact.approved_by
        case VngRejected():
            return fact.rejected_by
        case CustomerConfirmed() | CustomerDeclined():
            return registration.customer_email


def _reason(fact: Fact) -> str | None:
    match fact:
        case VngApproved():
            return fact.override_reason or fact.note
        case VngRejected() | CustomerDeclined():
            return fact.reason
        case CustomerConfirmed():
            return None


def _registration(
    request: RegistrationRequested, account: Account | None, codes: tuple[Code, ...], now: datetime
) -> Registration:
    known = account if account and not account.deleted else None
    return Registration(
        registration_id=request.registration_id,
        batch_id=request.batch_id,
        partner_id=request.partner_id,
        partner_name=request.partner_name,
        customer_email=request.customer_email,
        common_name=request.common_name,
        role=request.role,
        locale=known.locale if known else None,
        account_id=known.account_id if known else None,
        requested_by=request.requested_by,
        requester_locale=request.requester_locale,
        status=Status.REFUSED if codes else Status.AWAITING_CONFIRMATION,
        version=1,
        codes=codes,
        requested_at=request.requested_at,
        changed_at=now,
    )


def _closed(it: Registration, reasons: Sequence[str], now: datetime) -> RegistrationClosed:
    outcome = Outcome(it.status.value)
    return RegistrationClosed.about(it, outcome=outcome, reasons=tuple(reasons), closed_at=now)
