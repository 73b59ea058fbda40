"""What VNG's staff decide, and when they are reminded to. Pure.

A decision is made on the newest facts about the account: one that no longer qualifies is approved only with a reason.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from services.approver.claims import Reviewer, already_over, claimed_by_another
from services.approver.domain import Case, Decided, Status, settle
from services.approver.policy import Decision
from services.approver.refusals import (
    CaseAlreadyDecided,
    CaseClaimedByAnother,
    ConditionsChanged,
    NoLongerEligible,
    Refusal,
    RegistrationOver,
)
from shared.events import ReviewDue, VngApproved, VngRejected
from shared.history import moved


def approve(
    case: Case,
    codes: tuple[str, ...],
    reviewer: Reviewer,
    note: str | None,
    override_reason: str | None,
    now: datetime,
    seen_codes: Collection[str] | None = None,
) -> VngApproved | Refusal:
    """`codes` are the account's `failing_codes`, `seen_codes` those that the reviewer was shown; None: nobody says."""
    if refusal := may_not_decide(case, reviewer, now):
        return refusal
    if seen_codes is not None and (unseen := tuple(code for code in codes if code not in seen_codes)):
        return ConditionsChanged(unseen)
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
    return may_not_decide(case, reviewer, now) or VngRejected(
        registration_id=case.registration_id, rejected_by=reviewer.email, reason=reason, rejected_at=now
    )


def may_not_decide(
    case: Case, reviewer: Reviewer, now: datetime
) -> CaseAlreadyDecided | RegistrationOver | CaseClaimedByAnother | None:
    return already_over(case) or claimed_by_another(case, reviewer, now)


def decided_by_person(case: Case, decision: Decision, now: datetime) -> Decided:
    """What a reviewer's decision changes."""
    decided = Decided()
    settle(case, case, type(decision), decision, now, decided)
    return decided


def remind(cases: Iterable[Case], now: datetime) -> Decided:
    """Open cases whose review is due: told once each."""
    decided = Decided()
    for case in cases:
        if case.status is not Status.OPEN or case.due_told_at or case.due_at is None or now < case.due_at:
            continue
        after = case._replace(due_told_at=now, version=case.version + 1)
        decided.put(after)
        decided.history.append(moved(case, after, ReviewDue.type(), "approver", now))
        decided.told.append(ReviewDue.about(case, claimed_by=case.claimer(now)))
    return decided
