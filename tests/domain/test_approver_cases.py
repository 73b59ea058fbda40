"""Approver's cases whole, field by field: opened, followed, decided and closed, with what history notes of each."""

from uuid import UUID

import pytest

from services.approver.claims import Reviewer
from services.approver.domain import Case, Final, Rules, Status, apply_policy, close_cases, follow_accounts, open_cases
from services.approver.facts import facts_of
from shared.eligibility import CurrentCustomers
from shared.events import CustomerConfirmed, Outcome, RegistrationApproved, RegistrationClosed, VngApproved
from shared.history import NO_EFFECT, TRANSITION
from tests.domain.approver import Approver
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    HOUR,
    NOW,
    ONE,
    PARTNER,
    THREE,
    TWO,
    account,
    confirmed,
    registration_approved,
    registration_closed,
)

REVIEW = CurrentCustomers.REVIEW
LATER = NOW + HOUR
HOA = Reviewer("hoa@vng.example", is_admin=False)
OWN = account(vng_customer=True)


def rules(policy: CurrentCustomers = REVIEW) -> Rules:
    return Rules(policy, claim_for=4 * HOUR, due_at=lambda opened_at: opened_at + 3 * DAY)


def test_a_case_holds_what_the_customer_confirmed_and_the_account_at_that_moment() -> None:
    event = confirmed()
    decided = open_cases([event], {}, {CUSTOMER: OWN}, rules(), LATER)
    case = decided.new[ONE]
    assert case == Case(
        registration_id=ONE,
        partner_id=PARTNER["partner_id"],
        partner_name=PARTNER["partner_name"],
        customer_email=CUSTOMER,
        common_name=event.common_name,
        role="Partner",
        status=Status.OPEN,
        version=1,
        opened_at=LATER,
        facts=facts_of(OWN),
        waiting_since=event.confirmed_at,
        due_at=event.confirmed_at + 3 * DAY,
        current_customer=True,
    )
    assert case.facts is not None
    [line] = decided.history
    assert (line.event, line.note, line.actor, line.at) == ("CustomerConfirmed", TRANSITION, CUSTOMER, LATER)


def test_a_confirmation_again_is_noted_and_the_next_one_opens_its_case() -> None:
    decided = open_cases([confirmed(), confirmed(), confirmed(TWO)], {}, {CUSTOMER: account()}, rules(), LATER)
    assert set(decided.new) == {ONE, TWO}
    again = decided.history[1]
    assert (again.event, again.note, again.actor, again.at) == ("CustomerConfirmed", NO_EFFECT, CUSTOMER, LATER)


def test_a_case_that_the_policy_decides_at_once_is_new_and_decided() -> None:
    decided = open_cases([confirmed()], {}, {CUSTOMER: OWN}, rules(CurrentCustomers.SKIP), LATER)
    assert (decided.new[ONE].status, decided.changed) == (Status.APPROVED, {})
    [line] = decided.history
    assert (line.status_to, line.at) == (Status.APPROVED, LATER)


def cases(*events: CustomerConfirmed) -> dict[UUID, Case]:
    return dict(open_cases(events, {}, {CUSTOMER: account()}, rules(), NOW).new)


def test_an_open_case_follows_what_its_account_has_become_and_only_a_change_is_kept() -> None:
    [case] = cases(confirmed()).values()
    assert not case.current_customer
    followed = follow_accounts([case], {CUSTOMER: OWN}, REVIEW, LATER).changed
    assert followed[ONE].current_customer is True
    assert follow_accounts([case], {CUSTOMER: account()}, REVIEW, LATER).changed == {}
    assert (
        follow_accounts(followed.values(), {CUSTOMER: account()}, REVIEW, LATER).changed[ONE].current_customer is False
    )


def test_the_policy_passes_over_a_claimed_case_and_decides_the_next() -> None:
    approver = Approver(policy=REVIEW).hears(confirmed())
    approver.claims(HOA)
    free = cases(confirmed(TWO))[TWO]
    decided = apply_policy([approver.case, free], {CUSTOMER: OWN}, CurrentCustomers.SKIP, LATER)
    assert set(decided.changed) == {TWO}


def test_a_decision_ends_the_claim_it_was_made_under() -> None:
    approver = Approver(policy=REVIEW).hears(confirmed())
    approver.claims(HOA)
    claimed = approver.case
    assert claimed.claimed_by == HOA.email and claimed.claimed_until
    assert isinstance(approver.approves(HOA), VngApproved)
    decided = approver.case
    assert decided.claimed_by is None and decided.claimed_until is None


@pytest.mark.parametrize(
    ("final", "status"),
    [
        (registration_closed(outcome=Outcome.WITHDRAWN), Status.WITHDRAWN),
        (registration_approved(), Status.APPROVED),
    ],
    ids=["closed", "approved"],
)
def test_registrars_word_ends_a_claimed_case(final: RegistrationApproved | RegistrationClosed, status: Status) -> None:
    approver = Approver(policy=REVIEW).hears(confirmed())
    approver.claims(HOA)
    before = approver.case
    decided = close_cases([final], {ONE: before}, LATER)
    after = decided.changed[ONE]
    moment = final.approved_at if isinstance(final, RegistrationApproved) else final.closed_at
    outcome = "approved" if isinstance(final, RegistrationApproved) else final.outcome
    assert (after.status, after.outcome, after.final_at) == (status, outcome, moment)
    assert (after.claimed_by, after.claimed_until, after.version) == (None, None, before.version + 1)
    [line] = decided.history
    assert (line.event, line.note, line.actor) == (final.type(), TRANSITION, "registrar")
    assert (line.reason, line.at) == (outcome, LATER)


def test_registrars_word_before_the_case_is_kept_noted_again_and_the_next_is_heard() -> None:
    finals: list[Final] = [
        registration_approved(),
        registration_approved(),
        registration_approved(TWO),
        registration_closed(THREE),
    ]
    decided = close_cases(finals, {}, LATER)
    assert set(decided.new) == {ONE, TWO, THREE}
    assert {case.opened_at for case in decided.new.values()} == {LATER}
    again = decided.history[1]
    assert (again.event, again.note, again.actor, again.at) == ("RegistrationApproved", NO_EFFECT, "registrar", LATER)
