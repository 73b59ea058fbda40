"""Claims: who holds a case for a while, and what follows when nobody does any more. Pure.

Claims and releases change no status: history notes each, and until when the claim was tells one from the next.

A claimed case is left to its claimer: the policy does not touch it, and only an admin may come between. So whenever a
claim ends without a decision, the policy is applied to what the account has become meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.approver.domain import Case, ClaimEnd, Decided, Status, apply_policy
from services.approver.refusals import (
    CaseAlreadyDecided,
    CaseClaimedByAnother,
    ClaimOfAnother,
    RegistrationOver,
)
from shared.eligibility import Account, CurrentCustomers
from shared.history import unmoved

CASE_CLAIMED = "CaseClaimed"
CASE_RELEASED = "CaseReleased"
"""Notes in the history. With a `reason` they name who held the case before, where it was somebody else."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    email: str
    is_admin: bool

    def may_act_for(self, claimer: str | None) -> bool:
        return self.is_admin or claimer in (None, self.email)


def claim(
    case: Case, reviewer: Reviewer, claim_for: timedelta, now: datetime
) -> Decided | CaseAlreadyDecided | RegistrationOver | CaseClaimedByAnother:
    """Held by `reviewer` for a while; an admin may take it over."""
    if refusal := already_over(case) or claimed_by_another(case, reviewer, now):
        return refusal
    until = now + claim_for
    claimed = case._replace(claimed_by=reviewer.email, claimed_until=until)
    holder = _other_holder(case, reviewer, now)
    note = f"taken over, {_written(until)}" if holder else _written(until)
    line = unmoved(case, CASE_CLAIMED, reviewer.email, now, note=note, reason=holder)
    return Decided(changed={case.registration_id: claimed}, history=[line])


def release(
    case: Case, account: Account | None, reviewer: Reviewer, policy: CurrentCustomers, now: datetime
) -> Decided | CaseAlreadyDecided | RegistrationOver | ClaimOfAnother:
    """A claim that has lapsed is left to its deadline, and a case that nobody holds stays as it is."""
    if refusal := already_over(case):
        return refusal
    claimer = case.claimer(now)
    if claimer is None or case.claimed_until is None:
        return Decided()
    if not reviewer.may_act_for(claimer):
        return ClaimOfAnother(claimer, case.claimed_until)
    holder, note = _other_holder(case, reviewer, now), _written(case.claimed_until)
    line = unmoved(case, CASE_RELEASED, reviewer.email, now, note=note, reason=holder)
    accounts = {account.email: account} if account else {}
    decided = _end([case], accounts, policy, ClaimEnd.RELEASED, now)
    decided.history.insert(0, line)
    return decided


def lapse(cases: Iterable[Case], accounts: Mapping[str, Account], policy: CurrentCustomers, now: datetime) -> Decided:
    """Ends the claims whose time is over."""
    lapsed = [it for it in cases if it.status is Status.OPEN and it.claimed_until and it.claimed_until <= now]
    return _end(lapsed, accounts, policy, ClaimEnd.LAPSED, now)


def already_over(case: Case) -> CaseAlreadyDecided | RegistrationOver | None:
    if case.status is Status.OPEN:
        return None
    if case.status is Status.WITHDRAWN:
        assert case.outcome and case.final_at
        return RegistrationOver(case.outcome, case.final_at)
    assert case.decided_by and case.decided_at
    return CaseAlreadyDecided(case.status, case.decided_by, case.decided_at)


def claimed_by_another(case: Case, reviewer: Reviewer, now: datetime) -> CaseClaimedByAnother | None:
    claimer = case.claimer(now)
    if claimer is None or case.claimed_until is None or reviewer.may_act_for(claimer):
        return None
    return CaseClaimedByAnother(claimer, case.claimed_until)


def _other_holder(case: Case, reviewer: Reviewer, now: datetime) -> str | None:
    holder = case.claimer(now)
    return holder if holder != reviewer.email else None


def _written(until: datetime) -> str:
    return f"until {until.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"


def _end(
    cases: Iterable[Case], accounts: Mapping[str, Account], policy: CurrentCustomers, end: ClaimEnd, now: datetime
) -> Decided:
    """On facts that have not changed since the claim, the policy says what it said before: nothing."""
    freed = [case._replace(claimed_by=None, claimed_until=None) for case in cases]
    decided = apply_policy(freed, accounts, policy, now, end)
    decided.changed = {case.registration_id: case for case in freed} | decided.changed
    return decided
