"""What approver decides: which cases staff see, who may decide them, and what the policy decides by itself. Pure.

A case is decided once. It is decided on the newest facts about the account: one that no longer qualifies is approved
only with a reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.eligibility import Account, Code, CurrentCustomers, failing_conditions
from shared.events import (
    AccountUpdated,
    CustomerConfirmed,
    Event,
    RegistrationApproved,
    RegistrationClosed,
    Role,
    VngApproved,
    VngRejected,
)
from shared.history import Entry, moved, unmoved

BY_POLICY = "policy:current-customer"


class Status(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """Over before VNG decided, whatever ended it."""


Final = RegistrationApproved | RegistrationClosed
Decision = VngApproved | VngRejected

TRANSITIONS: Mapping[tuple[Status | None, type[Event]], frozenset[Status]] = {
    (None, CustomerConfirmed): frozenset({Status.OPEN, Status.APPROVED, Status.REJECTED}),  # by policy, at once
    (None, RegistrationApproved): frozenset({Status.APPROVED}),
    (None, RegistrationClosed): frozenset({Status.WITHDRAWN}),
    (Status.OPEN, AccountUpdated): frozenset({Status.APPROVED, Status.REJECTED}),  # by policy
    (Status.OPEN, VngApproved): frozenset({Status.APPROVED}),
    (Status.OPEN, VngRejected): frozenset({Status.REJECTED}),
    (Status.OPEN, RegistrationApproved): frozenset({Status.APPROVED}),
    (Status.OPEN, RegistrationClosed): frozenset({Status.WITHDRAWN}),
    # A decided case becomes final.
    (Status.APPROVED, RegistrationApproved): frozenset({Status.APPROVED}),
    (Status.APPROVED, RegistrationClosed): frozenset({Status.APPROVED}),
    (Status.REJECTED, RegistrationApproved): frozenset({Status.REJECTED}),
    (Status.REJECTED, RegistrationClosed): frozenset({Status.REJECTED}),
}


@dataclass(frozen=True, slots=True)
class Case:
    """`outcome` is registrar's final word; before it a decision is not yet final. `decided_by` names a person or the
    policy, and `reason` is what they gave."""

    registration_id: UUID
    partner_id: str
    partner_name: str
    customer_email: str
    common_name: str
    role: Role
    status: Status
    version: int
    opened_at: datetime
    claimed_by: str | None
    claimed_until: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    outcome: str | None

    def claimer(self, now: datetime) -> str | None:
        """Who holds the case; a claim lapses."""
        return self.claimed_by if self.claimed_until and now < self.claimed_until else None


@dataclass(frozen=True, slots=True)
class Reviewer:
    email: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class CaseAlreadyDecided:
    status: Status
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseClaimedByAnother:
    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NoLongerEligible:
    """Approving needs a reason to override these codes."""

    codes: tuple[str, ...]


Refusal = CaseAlreadyDecided | CaseClaimedByAnother | NoLongerEligible


@dataclass(slots=True)
class Decided:
    new: dict[UUID, Case] = field(default_factory=dict)
    changed: dict[UUID, Case] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def now_known(self, registration_id: UUID, known: Mapping[UUID, Case]) -> Case | None:
        return self.new.get(registration_id) or self.changed.get(registration_id) or known.get(registration_id)

    def put(self, case: Case) -> None:
        (self.new if case.registration_id in self.new else self.changed)[case.registration_id] = case


def open_cases(
    confirmed: Iterable[CustomerConfirmed],
    known: Mapping[UUID, Case],
    accounts: Mapping[str, Account],
    policy: CurrentCustomers,
    now: datetime,
) -> Decided:
    decided = Decided()
    for event in confirmed:
        before = decided.now_known(event.registration_id, known)
        if before:
            decided.history.append(unmoved(before, event.type(), event.customer_email, now))
            continue
        case = _case(event, now)
        decided.new[case.registration_id] = case
        if decision := decide_by_policy(case, accounts.get(case.customer_email), policy, now):
            _settle(case, None, CustomerConfirmed, decision, now, decided)
        else:
            decided.history.append(moved(None, case, event.type(), event.customer_email, now))
    return decided


def apply_policy(
    cases: Iterable[Case], accounts: Mapping[str, Account], policy: CurrentCustomers, now: datetime
) -> Decided:
    """Open, unclaimed cases whose account has changed: those that the policy now decides."""
    decided = Decided()
    for case in cases:
        if case.status is not Status.OPEN or case.claimer(now):
            continue
        if decision := decide_by_policy(case, accounts.get(case.customer_email), policy, now):
            _settle(case, case, AccountUpdated, decision, now, decided)
    return decided


def decide_by_policy(case: Case, account: Account | None, policy: CurrentCustomers, now: datetime) -> Decision | None:
    """The decision on an account that is VNG's own customer; None where staff decide."""
    if account is None or account.deleted or not account.vng_customer:
        return None
    if policy is CurrentCustomers.SKIP and not failing_conditions(account):
        return VngApproved(registration_id=case.registration_id, approved_by=BY_POLICY, approved_at=now)
    if policy is CurrentCustomers.REFUSE:
        return VngRejected(
            registration_id=case.registration_id,
            rejected_by=BY_POLICY,
            reason="current_customer",
            rejected_at=now,
        )
    return None


def close_cases(finals: Sequence[Final], known: Mapping[UUID, Case], now: datetime) -> Decided:
    """Registrar's final word. A case that is still open, or never was, is over; a decided one becomes final."""
    decided = Decided()
    for event in finals:
        before = decided.now_known(event.registration_id, known)
        if before and before.outcome:
            decided.history.append(unmoved(before, event.type(), "registrar", now))
            continue
        approved = isinstance(event, RegistrationApproved)
        ends_as = Status.APPROVED if approved else Status.WITHDRAWN
        outcome = "approved" if isinstance(event, RegistrationApproved) else event.outcome.value
        if before is None:
            after = replace(_case(event, now), status=ends_as, outcome=outcome, decided_by="registrar", decided_at=now)
            decided.new[after.registration_id] = after
        else:
            after = replace(before, outcome=outcome, version=before.version + 1)
            if before.status is Status.OPEN:
                after = replace(after, status=ends_as, decided_by="registrar", decided_at=now)
            decided.put(after)
        decided.history.append(moved(before, after, event.type(), "registrar", now, outcome))
    return decided


def failing_codes(account: Account | None, policy: CurrentCustomers) -> tuple[Code, ...]:
    """Why the account may not be approved without a reason, on the facts as they are now."""
    codes = failing_conditions(account)
    if policy is CurrentCustomers.REFUSE and account and not account.deleted and account.vng_customer:
        codes.append(Code.CURRENT_CUSTOMER)
    return tuple(codes)


def approve(
    case: Case,
    codes: tuple[Code, ...],
    reviewer: Reviewer,
    note: str | None,
    override_reason: str | None,
    now: datetime,
) -> VngApproved | Refusal:
    """`codes` are the account's `failing_codes`."""
    if refusal := _may_not_decide(case, reviewer, now):
        return refusal
    if codes and not override_reason:
        return NoLongerEligible(codes)
    return VngApproved(
        registration_id=case.registration_id,
        approved_by=reviewer.email,
        note=note,
        override_reason=override_reason if codes else None,
        failing_codes=codes,
        approved_at=now,
    )


def reject(case: Case, reviewer: Reviewer, reason: str, now: datetime) -> VngRejected | Refusal:
    return _may_not_decide(case, reviewer, now) or VngRejected(
        registration_id=case.registration_id, rejected_by=reviewer.email, reason=reason, rejected_at=now
    )


def claim(case: Case, reviewer: Reviewer, claim_for: timedelta, now: datetime) -> Case | Refusal:
    """The case, held by `reviewer` for a while; an admin may take it over."""
    return _may_not_decide(case, reviewer, now) or replace(
        case, claimed_by=reviewer.email, claimed_until=now + claim_for
    )


def decided_by_person(case: Case, decision: Decision, now: datetime) -> Decided:
    """What a reviewer's decision changes."""
    decided = Decided()
    _settle(case, case, type(decision), decision, now, decided)
    return decided


def _may_not_decide(case: Case, reviewer: Reviewer, now: datetime) -> CaseAlreadyDecided | CaseClaimedByAnother | None:
    if case.status is not Status.OPEN:
        return CaseAlreadyDecided(case.status, case.decided_by or "registrar", case.decided_at or case.opened_at)
    claimer = case.claimer(now)
    if claimer and claimer != reviewer.email and not reviewer.is_admin and case.claimed_until:
        return CaseClaimedByAnother(claimer, case.claimed_until)
    return None


def _settle(
    case: Case, before: Case | None, cause: type[Event], decision: Decision, now: datetime, decided: Decided
) -> None:
    approved = isinstance(decision, VngApproved)
    by = decision.approved_by if isinstance(decision, VngApproved) else decision.rejected_by
    reason = decision.override_reason or decision.note if isinstance(decision, VngApproved) else decision.reason
    after = replace(
        case,
        status=Status.APPROVED if approved else Status.REJECTED,
        version=case.version + 1 if before else case.version,
        decided_by=by,
        decided_at=now,
        reason=reason,
    )
    decided.put(after)
    decided.history.append(moved(before, after, cause.type(), by, now, reason))
    decided.told.append(decision)


def _case(event: CustomerConfirmed | Final, now: datetime) -> Case:
    return Case(
        registration_id=event.registration_id,
        partner_id=event.partner_id,
        partner_name=event.partner_name,
        customer_email=event.customer_email,
        common_name=event.common_name,
        role="Partner",
        status=Status.OPEN,
        version=1,
        opened_at=now,
        claimed_by=None,
        claimed_until=None,
        decided_by=None,
        decided_at=None,
        reason=None,
        outcome=None,
    )
