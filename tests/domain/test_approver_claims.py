"""Claims: who may decide a case that somebody holds, and what follows when nobody does any more."""

import pytest

from services.approver import claims, reviews
from services.approver.domain import ClaimEnd, Decided, Status
from services.approver.policy import BY_POLICY
from services.approver.refusals import (
    CaseClaimedByAnother,
    ClaimOfAnother,
)
from shared.eligibility import CurrentCustomers
from shared.events import VngApproved, VngRejected
from tests.domain.approver import ADMIN, CURRENT, LAN, MINH, REFUSE, SKIP, Approver
from tests.domain.facts import (
    HOUR,
    NOW,
    ONE,
    account,
    confirmed,
)


def test_the_policy_leaves_a_claimed_case_to_its_claimer_until_the_claim_lapses() -> None:
    approver = Approver(policy=SKIP).hears(confirmed())
    approver.claims(LAN)
    assert approver.learns(CURRENT, NOW + 4 * HOUR - HOUR).case.status is Status.OPEN
    assert approver.learns(CURRENT, NOW + 4 * HOUR).case.status is Status.APPROVED


def test_only_the_claimer_or_an_admin_decides_a_claimed_case() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    refusal = CaseClaimedByAnother(LAN.email, NOW + 4 * HOUR)
    assert approver.approves(MINH) == approver.rejects(MINH) == approver.claims(MINH) == refusal
    assert isinstance(reviews.reject(approver.case, ADMIN, "r", NOW), VngRejected)
    assert isinstance(approver.approves(LAN), VngApproved)


def test_who_claimed_it_is_told_before_the_codes_that_fail() -> None:
    approver = Approver(account(in_poc=True)).hears(confirmed())
    approver.claims(LAN)
    assert isinstance(approver.approves(MINH), CaseClaimedByAnother)


def test_a_claim_lapses_after_its_time_and_not_before() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    end = NOW + 4 * HOUR
    assert approver.case.claimer(end - HOUR) == LAN.email
    assert isinstance(approver.approves(MINH, end - HOUR), CaseClaimedByAnother)
    assert approver.case.claimer(end) is None
    assert isinstance(approver.approves(MINH, end), VngApproved)


def test_a_claimer_claims_anew_and_an_admin_takes_over() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    approver.claims(LAN, NOW + HOUR)
    assert (approver.case.claimed_by, approver.case.claimed_until) == (LAN.email, NOW + 5 * HOUR)
    approver.claims(ADMIN, NOW + HOUR)
    assert approver.case.claimer(NOW + HOUR) == ADMIN.email
    assert isinstance(approver.approves(LAN, NOW + HOUR), CaseClaimedByAnother)


def test_a_claim_is_no_transition() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    approver.releases(LAN)
    assert (approver.case.version, [bool(line.note) for line in approver.history]) == (1, [False, True, True])


def test_history_says_who_claimed_took_over_and_released_each_time() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    approver.claims(ADMIN)
    approver.releases(ADMIN, NOW + HOUR)
    approver.claims(LAN, NOW + HOUR)
    approver.claims(LAN, NOW + 2 * HOUR)
    approver.releases(ADMIN, NOW + 2 * HOUR)
    lines = approver.history[1:]
    assert [(line.event, line.actor, line.reason, line.at - NOW) for line in lines] == [
        ("CaseClaimed", LAN.email, None, 0 * HOUR),
        ("CaseClaimed", ADMIN.email, LAN.email, 0 * HOUR),
        ("CaseReleased", ADMIN.email, None, HOUR),
        ("CaseClaimed", LAN.email, None, HOUR),
        ("CaseClaimed", LAN.email, None, 2 * HOUR),
        ("CaseReleased", ADMIN.email, LAN.email, 2 * HOUR),
    ]
    assert lines[0].note == "until 2026-07-01T13:00:00Z"
    assert len({(line.event, line.note) for line in lines}) == len(lines), "each is kept: none has another's note"


def test_a_claim_of_a_lapsed_claim_takes_over_from_nobody() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    approver.claims(MINH, NOW + 4 * HOUR)
    assert (approver.history[-1].actor, approver.history[-1].reason) == (MINH.email, None)


def test_a_lapsed_claim_leaves_the_case_to_everybody_and_no_line_of_history() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    before, lines = approver.case, len(approver.history)
    approver.lets_time_pass_until(NOW + 4 * HOUR - HOUR)
    assert approver.case == before
    approver.lets_time_pass_until(NOW + 4 * HOUR)
    assert approver.case == before._replace(claimed_by=None, claimed_until=None)
    assert len(approver.history) == lines


def test_only_the_claimer_or_an_admin_releases_a_claim() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    assert approver.releases(MINH) == ClaimOfAnother(LAN.email, NOW + 4 * HOUR)
    assert approver.case.claimer(NOW) == LAN.email
    for releasing in (LAN, ADMIN):
        approver.claims(LAN)
        approver.releases(releasing)
        assert approver.case.claimer(NOW) is None


def test_releasing_a_case_that_nobody_holds_changes_nothing() -> None:
    approver = Approver().hears(confirmed())
    before = approver.case
    assert approver.releases(LAN) == Decided()
    assert approver.case == before


@pytest.mark.parametrize("end", ClaimEnd)
@pytest.mark.parametrize(("policy", "status"), [(SKIP, Status.APPROVED), (REFUSE, Status.REJECTED)])
def test_the_policy_is_applied_to_what_changed_under_a_claim_once_the_claim_ends(
    end: ClaimEnd, policy: CurrentCustomers, status: Status
) -> None:
    approver = Approver(policy=policy).hears(confirmed())
    approver.claims(LAN)
    approver.learns(CURRENT, NOW + HOUR)
    assert approver.told == []
    if end is ClaimEnd.RELEASED:
        approver.releases(LAN, NOW + 2 * HOUR)
    else:
        approver.lets_time_pass_until(NOW + 4 * HOUR)
    assert (approver.case.status, approver.case.claimed_by, len(approver.told)) == (status, None, 1)
    line = approver.history[-1]
    assert (line.event, line.actor, line.version) == (end.value, BY_POLICY, 2)


def test_a_decision_ends_the_claim() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    approver.rejects(LAN)
    assert approver.case.claimer(NOW) is None


def test_a_claim_that_has_lapsed_is_released_by_its_deadline_only() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    before = approver.case
    assert approver.releases(LAN, NOW + 4 * HOUR) == Decided()
    assert approver.case == before


def test_a_case_of_an_account_that_nobody_knows_is_released_like_any_other() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    decided = claims.release(approver.case, None, LAN, SKIP, NOW)
    assert isinstance(decided, Decided) and decided.changed[ONE].claimer(NOW) is None


@pytest.mark.usefixtures("elsewhere")
def test_history_says_until_when_in_utc_wherever_the_service_runs() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    assert approver.history[-1].note == "until 2026-07-01T13:00:00Z"
