"""What approver decides: which cases staff see, what the policy decides by itself. Pure.

A case is decided once, and nothing is told after its end. What people may do with a case is in `claims` and `reviews`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from services.approver.facts import Facts, facts_of
from services.approver.policy import Decision, decide_by_policy, is_current_customer
from shared.eligibility import Account, CurrentCustomers
from shared.events import (
    AccountUpdated,
    CustomerConfirmed,
    Event,
    RegistrationApproved,
    RegistrationClosed,
    ReviewDue,
    Role,
    VngApproved,
    VngRejected,
)
from shared.history import Entry, moved, unmoved


class Status(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """Over before VNG decided, whatever ended it."""


class ClaimEnd(StrEnum):
    """How a claim ends without a decision. No event tells it; the policy may decide the case then."""

    LAPSED = "ClaimLapsed"
    RELEASED = "ClaimReleased"


Cause = type[Event] | ClaimEnd
Final = RegistrationApproved | RegistrationClosed

_BY_POLICY = frozenset({Status.APPROVED, Status.REJECTED})
TRANSITIONS: Mapping[tuple[Status | None, Cause], frozenset[Status]] = {
    (None, CustomerConfirmed): frozenset({Status.OPEN}) | _BY_POLICY,
    (None, RegistrationApproved): frozenset({Status.APPROVED}),
    (None, RegistrationClosed): frozenset({Status.WITHDRAWN}),
    (Status.OPEN, AccountUpdated): _BY_POLICY,
    (Status.OPEN, ClaimEnd.LAPSED): _BY_POLICY,
    (Status.OPEN, ClaimEnd.RELEASED): _BY_POLICY,
    (Status.OPEN, VngApproved): frozenset({Status.APPROVED}),
    (Status.OPEN, VngRejected): frozenset({Status.REJECTED}),
    (Status.OPEN, ReviewDue): frozenset({Status.OPEN}),
    (Status.OPEN, RegistrationApproved): frozenset({Status.APPROVED}),
    (Status.OPEN, RegistrationClosed): frozenset({Status.WITHDRAWN}),
    # A decided case becomes final.
    (Status.APPROVED, RegistrationApproved): frozenset({Status.APPROVED}),
    (Status.APPROVED, RegistrationClosed): frozenset({Status.APPROVED}),
    (Status.REJECTED, RegistrationApproved): frozenset({Status.REJECTED}),
    (Status.REJECTED, RegistrationClosed): frozenset({Status.REJECTED}),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """`due_at` answers when the review of a case that waits since a moment is due."""

    policy: CurrentCustomers
    claim_for: timedelta
    due_at: Callable[[datetime], datetime]


class Case(NamedTuple):
    """`waiting_since` is when the customer confirmed, however late that was read: the review is due by it.

    `outcome` and `final_at` are registrar's final word; before it a decision is not yet final. `decided_by` names a
    person or the policy, and `reason` is what they gave. A case that was never opened waits for nothing and has no
    `due_at`."""

    registration_id: UUID
    partner_id: str
    partner_name: str
    customer_email: str
    common_name: str
    role: Role
    status: Status
    version: int
    opened_at: datetime
    facts: Facts | None = None
    """About the account at opening; None: there was no such account."""
    waiting_since: datetime | None = None
    due_at: datetime | None = None
    due_told_at: datetime | None = None
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    outcome: str | None = None
    final_at: datetime | None = None
    current_customer: bool = False
    """Whether the account is VNG's own customer by its newest facts; of an open case only."""

    def claimer(self, now: datetime) -> str | None:
        """Who holds the case; a claim lapses."""
        return self.claimed_by if self.claimed_until and now < self.claimed_until else None


@dataclass(slots=True)
class Decided:
    new: dict[UUID, Case] = field(default_factory=dict)
    changed: dict[UUID, Case] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def now_known(self, registration_id: UUID, known: Mapping[UUID, Case]) -> Case | None:
        return self.new.get(registration_id) or self.changed.get(registration_id) or known.get(registration_id)

    def on(self, known: Mapping[UUID, Case]) -> Mapping[UUID, Case]:
        """What was known, as it is now."""
        return {**known, **self.changed, **self.new}

    def put(self, case: Case) -> None:
        (self.new if case.registration_id in self.new else self.changed)[case.registration_id] = case

    def add(self, more: "Decided") -> None:
        """What was decided next, on what this made of the known ones."""
        self.new.update(more.new)
        for case in more.changed.values():
            self.put(case)
        self.history += more.history
        self.told += more.told


def open_cases(
    confirmed: Iterable[CustomerConfirmed],
    known: Mapping[UUID, Case],
    accounts: Mapping[str, Account],
    rules: Rules,
    now: datetime,
) -> Decided:
    decided = Decided()
    for event in confirmed:
        before = decided.now_known(event.registration_id, known)
        if before:
            decided.history.append(unmoved(before, event.type(), event.customer_email, now))
            continue
        account = accounts.get(event.customer_email)
        since = min(event.confirmed_at, now)
        case = _case(event, now)._replace(
            waiting_since=since,
            due_at=rules.due_at(since),
            facts=facts_of(account),
            current_customer=is_current_customer(account),
        )
        decided.new[case.registration_id] = case
        if decision := decide_by_policy(case.registration_id, account, rules.policy, now):
            settle(case, None, CustomerConfirmed, decision, now, decided)
        else:
            decided.history.append(moved(None, case, event.type(), event.customer_email, now))
    return decided


def follow_accounts(
    cases: Iterable[Case], accounts: Mapping[str, Account], policy: CurrentCustomers, now: datetime
) -> Decided:
    """Cases whose account has changed, claimed or not: what is now true of them, and those that the policy decides."""
    still_open = [case for case in cases if case.status is Status.OPEN]
    followed = [it._replace(current_customer=is_current_customer(accounts.get(it.customer_email))) for it in still_open]
    decided = apply_policy(followed, accounts, policy, now)
    noted = {
        after.registration_id: after for before, after in zip(still_open, followed, strict=True) if after != before
    }
    decided.changed = noted | decided.changed
    return decided


def apply_policy(
    cases: Iterable[Case],
    accounts: Mapping[str, Account],
    policy: CurrentCustomers,
    now: datetime,
    cause: Cause = AccountUpdated,
) -> Decided:
    """Open, unclaimed cases: those that the policy decides on what their account is now."""
    decided = Decided()
    for case in cases:
        if case.status is not Status.OPEN or case.claimer(now):
            continue
        account = accounts.get(case.customer_email)
        if decision := decide_by_policy(case.registration_id, account, policy, now):
            settle(case, case, cause, decision, now, decided)
    return decided


def close_cases(finals: Sequence[Final], known: Mapping[UUID, Case], now: datetime) -> Decided:
    """Registrar's final word. A case that is still open, or never was, is over; a decided one becomes final."""
    decided = Decided()
    for event in finals:
        before = decided.now_known(event.registration_id, known)
        if before and before.outcome:
            decided.history.append(unmoved(before, event.type(), "registrar", now))
            continue
        if before is None:
            after = _closed(_case(event, now), event)
            decided.new[after.registration_id] = after
        else:
            after = _closed(before, event)._replace(version=before.version + 1)
            decided.put(after)
        decided.history.append(moved(before, after, event.type(), "registrar", now, after.outcome))
    return decided


def _closed(case: Case, event: Final) -> Case:
    if isinstance(event, RegistrationApproved):
        final = case._replace(outcome="approved", final_at=event.approved_at)
        ended = final._replace(status=Status.APPROVED, decided_by=event.approved_by, decided_at=event.approved_at)
    else:
        final = case._replace(outcome=event.outcome.value, final_at=event.closed_at)
        ended = final._replace(status=Status.WITHDRAWN)
    return ended._replace(claimed_by=None, claimed_until=None) if case.status is Status.OPEN else final


def settle(case: Case, before: Case | None, cause: Cause, decision: Decision, now: datetime, decided: Decided) -> None:
    """`case` as `decision` leaves it, with its line of history and its event."""
    if isinstance(decision, VngApproved):
        status, by, reason = Status.APPROVED, decision.approved_by, decision.override_reason or decision.note
    else:
        status, by, reason = Status.REJECTED, decision.rejected_by, decision.reason
    after = case._replace(
        status=status,
        version=case.version + 1 if before else case.version,
        claimed_by=None,
        claimed_until=None,
        decided_by=by,
        decided_at=now,
        reason=reason,
    )
    name = cause.value if isinstance(cause, ClaimEnd) else cause.type()
    decided.put(after)
    decided.history.append(moved(before, after, name, by, now, _all_that_was_said(decision)))
    decided.told.append(decision)


def _all_that_was_said(decision: Decision) -> str | None:
    """In one text, for history: an approval may have a reason to override conditions, those conditions, and a note."""
    if isinstance(decision, VngRejected):
        return decision.reason
    if not decision.override_reason:
        return decision.note
    said = f"{decision.override_reason}; despite {', '.join(decision.failing_codes)}"
    return f"{said}; note: {decision.note}" if decision.note else said


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
    )
