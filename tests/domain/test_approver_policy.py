"""What the policy decides by itself of VNG's current customers, and what it leaves to staff."""

import pytest

from services.approver.domain import Status
from services.approver.policy import BY_POLICY, decide_by_policy, failing_codes
from shared.eligibility import Account, Code, CurrentCustomers
from shared.events import Event, VngApproved, VngRejected
from shared.history import NO_EFFECT
from tests.domain.approver import CURRENT, CURRENT_WITH_CREDIT, REFUSE, REVIEW, SKIP, Approver
from tests.domain.facts import (
    DAY,
    NOW,
    ONE,
    account,
    confirmed,
)


def by_policy(decision: Event) -> str:
    if isinstance(decision, VngApproved):
        return decision.approved_by
    assert isinstance(decision, VngRejected)
    return decision.rejected_by


def test_a_confirmed_customer_who_is_not_vngs_own_waits_for_staff() -> None:
    for policy in CurrentCustomers:
        approver = Approver(policy=policy).hears(confirmed(), confirmed())
        assert (approver.case.status, approver.case.version, approver.case.opened_at) == (Status.OPEN, 1, NOW)
        assert approver.told == []
        assert [line.note for line in approver.history] == ["", NO_EFFECT]


def test_skip_approves_vngs_own_customer_at_once() -> None:
    approver = Approver(CURRENT, SKIP).hears(confirmed(), confirmed())
    assert approver.told == [VngApproved(registration_id=ONE, approved_by=BY_POLICY, approved_at=NOW)]
    assert (approver.case.status, approver.case.decided_by, approver.case.version) == (Status.APPROVED, BY_POLICY, 1)


def test_skip_leaves_a_current_customer_whose_conditions_fail_to_staff() -> None:
    approver = Approver(CURRENT_WITH_CREDIT, SKIP).hears(confirmed())
    assert (approver.case.status, approver.told) == (Status.OPEN, [])


def test_review_leaves_every_current_customer_to_staff() -> None:
    approver = Approver(CURRENT, REVIEW).hears(confirmed()).learns(CURRENT)
    assert (approver.case.status, approver.told) == (Status.OPEN, [])


@pytest.mark.parametrize("known", [CURRENT, CURRENT_WITH_CREDIT])
def test_refuse_rejects_a_current_customer_at_once_with_a_partner_safe_reason(known: Account) -> None:
    approver = Approver(known, REFUSE).hears(confirmed())
    assert approver.told == [
        VngRejected(registration_id=ONE, rejected_by=BY_POLICY, reason="current_customer", rejected_at=NOW)
    ]
    assert approver.case.status is Status.REJECTED


@pytest.mark.parametrize("policy", CurrentCustomers)
@pytest.mark.parametrize("known", [None, account(deleted=True, vng_customer=True)])
def test_the_policy_says_nothing_of_an_account_that_does_not_exist(
    policy: CurrentCustomers, known: Account | None
) -> None:
    assert decide_by_policy(ONE, known, policy, NOW) is None


@pytest.mark.parametrize(
    ("policy", "status"), [(SKIP, Status.APPROVED), (REFUSE, Status.REJECTED), (REVIEW, Status.OPEN)]
)
def test_the_policy_is_applied_again_when_the_account_changes(policy: CurrentCustomers, status: Status) -> None:
    approver = Approver(policy=policy).hears(confirmed()).learns(CURRENT, NOW + DAY)
    assert approver.case.status is status
    assert [by_policy(event) for event in approver.told] == [BY_POLICY] * len(approver.told)
    assert len(approver.told) == (0 if policy is REVIEW else 1)
    if policy is not REVIEW:
        assert (approver.case.version, approver.case.decided_at) == (2, NOW + DAY)
        assert (approver.history[-1].event, approver.history[-1].actor) == ("AccountUpdated", BY_POLICY)


def test_skip_approves_once_the_last_condition_holds() -> None:
    approver = Approver(CURRENT_WITH_CREDIT, SKIP).hears(confirmed()).learns(CURRENT)
    assert approver.case.status is Status.APPROVED


def test_the_policy_decides_no_case_twice() -> None:
    approver = Approver(policy=SKIP).hears(confirmed()).learns(CURRENT)
    history, told = list(approver.history), list(approver.told)
    approver.learns(CURRENT)
    assert (approver.history, approver.told) == (history, told)


def test_where_current_customers_are_refused_staff_need_a_reason_to_approve_one() -> None:
    assert failing_codes(CURRENT, CurrentCustomers.REFUSE) == (Code.CURRENT_CUSTOMER,)
    assert failing_codes(CURRENT, CurrentCustomers.REVIEW) == ()
