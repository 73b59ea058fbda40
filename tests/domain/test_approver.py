"""What VNG's reviewers decide, what registrar says after them, and which reviews are due."""

from datetime import datetime

import pytest

from services.approver import reviews
from services.approver.domain import Final, Status
from services.approver.policy import BY_POLICY
from services.approver.refusals import (
    CaseAlreadyDecided,
    ConditionsChanged,
    NoLongerEligible,
    RegistrationOver,
)
from shared.eligibility import Account
from shared.events import Outcome, ReviewDue, VngApproved, VngRejected
from shared.history import NO_EFFECT
from tests.domain.approver import ADMIN, CURRENT, LAN, MINH, SKIP, Approver
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    HOUR,
    NOW,
    ONE,
    TWO,
    account,
    confirmed,
    registration_approved,
    registration_closed,
)


def test_a_reviewer_approves_an_eligible_account_with_a_note_or_without() -> None:
    approver = Approver().hears(confirmed())
    told = approver.approves(LAN, NOW + HOUR, note="Đã gọi điện")
    assert told == VngApproved(
        registration_id=ONE, approved_by=LAN.email, note="Đã gọi điện", failing_codes=(), approved_at=NOW + HOUR
    )
    it = approver.case
    assert (it.status, it.version, it.decided_by, it.decided_at) == (Status.APPROVED, 2, LAN.email, NOW + HOUR)
    assert it.reason == "Đã gọi điện"
    assert approver.told == [told]
    assert isinstance(Approver().hears(confirmed()).approves(LAN), VngApproved)


def test_an_account_that_no_longer_qualifies_is_approved_only_with_a_reason_to_override_its_codes() -> None:
    approver = Approver(account(credit_balance=5, in_poc=True)).hears(confirmed())
    assert approver.approves(LAN, note="A note is no reason") == NoLongerEligible(("has_credit", "in_poc"))
    assert (approver.case.status, approver.told) == (Status.OPEN, [])
    told = approver.approves(LAN, override="Ngoại lệ")
    assert isinstance(told, VngApproved)
    assert (told.override_reason, told.failing_codes) == ("Ngoại lệ", ("has_credit", "in_poc"))
    assert approver.case.reason == "Ngoại lệ"


CREDIT_AND_POC = account(credit_balance=5, in_poc=True)


@pytest.mark.parametrize("override", [None, "Ngoại lệ"])
@pytest.mark.parametrize(
    ("known", "seen", "unseen"),
    [
        (CREDIT_AND_POC, [], ("has_credit", "in_poc")),
        (CREDIT_AND_POC, ["has_credit"], ("in_poc",)),
        (account(deleted=True), ["in_poc"], ("not_registered",)),
    ],
)
def test_nobody_overrides_a_condition_that_the_page_did_not_show(
    known: Account, seen: list[str], unseen: tuple[str, ...], override: str | None
) -> None:
    approver = Approver(known).hears(confirmed())
    assert approver.approves(LAN, override=override, seen=frozenset(seen)) == ConditionsChanged(unseen)
    assert (approver.case.status, approver.told) == (Status.OPEN, [])


@pytest.mark.parametrize(
    ("known", "seen", "override"),
    [
        (CREDIT_AND_POC, ["has_credit", "in_poc"], "Ngoại lệ"),
        (CREDIT_AND_POC, ["has_credit", "in_poc", "not_prepaid"], "Ngoại lệ"),
        (account(), ["in_poc"], None),
        (account(), [], None),
    ],
)
def test_what_was_shown_or_holds_again_is_approved(known: Account, seen: list[str], override: str | None) -> None:
    assert isinstance(
        Approver(known).hears(confirmed()).approves(LAN, override=override, seen=frozenset(seen)), VngApproved
    )


@pytest.mark.parametrize(
    ("known", "override", "note", "reason"),
    [
        (CREDIT_AND_POC, "Ngoại lệ", "Đã gọi", "Ngoại lệ; despite has_credit, in_poc; note: Đã gọi"),
        (CREDIT_AND_POC, "Ngoại lệ", None, "Ngoại lệ; despite has_credit, in_poc"),
        (account(), None, "Đã gọi", "Đã gọi"),
        (account(), "Ngoại lệ", "Đã gọi", "Đã gọi"),
        (account(), None, None, None),
    ],
)
def test_history_keeps_all_that_was_said_of_an_approval(
    known: Account, override: str | None, note: str | None, reason: str | None
) -> None:
    approver = Approver(known).hears(confirmed())
    approver.approves(LAN, override=override, note=note)
    assert approver.history[-1].reason == reason


def test_an_account_that_is_gone_no_longer_qualifies() -> None:
    approver = Approver(account(deleted=True)).hears(confirmed())
    assert approver.approves(LAN) == NoLongerEligible(("not_registered",))


def test_a_reason_to_override_is_not_told_where_there_is_nothing_to_override() -> None:
    told = Approver().hears(confirmed()).approves(LAN, override="Ngoại lệ")
    assert isinstance(told, VngApproved)
    assert (told.override_reason, told.failing_codes) == (None, ())


def test_a_reviewer_rejects_with_a_reason_whatever_the_account() -> None:
    approver = Approver(account(in_poc=True)).hears(confirmed())
    told = approver.rejects(LAN, NOW + HOUR)
    assert told == VngRejected(registration_id=ONE, rejected_by=LAN.email, reason="Hồ sơ thiếu", rejected_at=NOW + HOUR)
    assert (approver.case.status, approver.case.reason) == (Status.REJECTED, "Hồ sơ thiếu")


def test_the_second_decision_is_refused_and_says_who_was_first_and_when() -> None:
    approver = Approver().hears(confirmed())
    approver.approves(LAN, NOW + HOUR)
    refusal = CaseAlreadyDecided(Status.APPROVED, LAN.email, NOW + HOUR)
    assert approver.rejects(MINH) == approver.approves(ADMIN) == approver.claims(LAN) == refusal
    assert len(approver.told) == 1


def test_a_decision_by_the_policy_is_one_too() -> None:
    approver = Approver(CURRENT, SKIP).hears(confirmed())
    assert approver.rejects(LAN, NOW + HOUR) == CaseAlreadyDecided(Status.APPROVED, BY_POLICY, NOW)


@pytest.mark.parametrize("decide", ["approves", "rejects"])
@pytest.mark.parametrize("final", [registration_approved(), registration_closed(outcome=Outcome.WITHDRAWN)])
def test_a_decided_case_stays_decided_and_learns_registrars_final_word(decide: str, final: Final) -> None:
    approver = Approver().hears(confirmed())
    getattr(approver, decide)(LAN)
    status = approver.case.status
    assert approver.case.outcome is None  # decided, not yet final
    approver.hears(final)
    assert (approver.case.status, approver.case.decided_by) == (status, LAN.email)
    assert approver.case.outcome == ("approved" if final == registration_approved() else "withdrawn")


def test_an_open_case_that_registrar_closes_is_over() -> None:
    approver = Approver().hears(confirmed()).hears(registration_closed(outcome=Outcome.WITHDRAWN))
    assert (approver.case.status, approver.case.outcome) == (Status.WITHDRAWN, "withdrawn")
    assert approver.told == []


def test_who_comes_after_registrars_closing_is_told_how_and_when_it_ended() -> None:
    final = registration_closed(outcome=Outcome.WITHDRAWN, closed_at=NOW + HOUR)
    approver = Approver().hears(confirmed()).hears(final, at=NOW + DAY)
    refusal = RegistrationOver("withdrawn", NOW + HOUR)
    assert approver.approves(LAN) == approver.rejects(LAN) == approver.claims(LAN) == approver.releases(LAN) == refusal


def test_a_case_that_registrar_approved_without_our_decision_names_who_approved() -> None:
    approver = Approver().hears(confirmed()).hears(registration_approved(approved_by=MINH.email), at=NOW + DAY)
    assert approver.rejects(LAN) == CaseAlreadyDecided(Status.APPROVED, MINH.email, NOW)


@pytest.mark.parametrize(
    ("final", "status", "outcome"),
    [
        (registration_closed(outcome=Outcome.DECLINED), Status.WITHDRAWN, "declined"),
        (registration_closed(outcome=Outcome.WITHDRAWN), Status.WITHDRAWN, "withdrawn"),
        (registration_approved(), Status.APPROVED, "approved"),
    ],
)
def test_an_end_read_before_the_case_leaves_a_closed_case_and_nothing_to_review(
    final: Final, status: Status, outcome: str
) -> None:
    approver = Approver(CURRENT, SKIP).hears(final).hears(confirmed()).learns(CURRENT)
    assert (approver.case.status, approver.case.outcome) == (status, outcome)
    assert approver.told == []
    assert [line.note for line in approver.history] == ["", NO_EFFECT]


def test_registrars_final_word_again_changes_nothing() -> None:
    approver = Approver().hears(confirmed()).hears(registration_approved(), registration_approved())
    before = dict(approver.cases)
    approver.hears(registration_approved()).hears(registration_closed())
    assert approver.cases == before
    assert [line.note for line in approver.history] == ["", "", NO_EFFECT, NO_EFFECT, NO_EFFECT]


@pytest.mark.parametrize(
    ("confirmed_at", "waiting_since"),
    [(NOW - 2 * DAY, NOW - 2 * DAY), (NOW, NOW), (NOW + DAY, NOW)],
    ids=["read late", "read at once", "a clock that is ahead"],
)
def test_a_review_is_due_by_when_the_customer_confirmed_however_late_that_is_read(
    confirmed_at: datetime, waiting_since: datetime
) -> None:
    it = Approver().hears(confirmed(confirmed_at=confirmed_at)).case
    assert (it.opened_at, it.waiting_since, it.due_at) == (NOW, waiting_since, waiting_since + 3 * DAY)


def test_each_review_of_a_batch_is_due_by_its_own_confirmation() -> None:
    approver = Approver().hears(confirmed(confirmed_at=NOW - DAY), confirmed(TWO))
    assert [it.due_at for it in approver.cases.values()] == [NOW + 2 * DAY, NOW + 3 * DAY]


@pytest.mark.parametrize("held", [True, False])
def test_a_review_that_is_due_is_told_once_with_who_holds_the_case(held: bool) -> None:
    approver = Approver().hears(confirmed())
    due_at = NOW + 3 * DAY
    if held:
        approver.claims(LAN, due_at - HOUR)
    assert approver.lets_time_pass_until(due_at - HOUR).told == []
    approver.lets_time_pass_until(due_at).lets_time_pass_until(due_at + DAY)
    [event] = approver.told
    assert isinstance(event, ReviewDue)
    assert (event.registration_id, event.due_at, event.customer_email) == (ONE, due_at, CUSTOMER)
    assert event.claimed_by == (LAN.email if held else None)
    line = approver.history[-1]
    assert (line.status_from, line.status_to, line.event, line.actor) == ("open", "open", "ReviewDue", "approver")
    assert line.at == due_at


@pytest.mark.parametrize("end", ["decided", "closed", "never opened"])
def test_no_review_is_due_of_a_case_that_is_over(end: str) -> None:
    approver = Approver()
    if end != "never opened":
        approver.hears(confirmed())
    if end == "decided":
        approver.rejects(LAN)
    else:
        approver.hears(registration_closed())
    told = list(approver.told)
    assert approver.lets_time_pass_until(NOW + 9 * DAY).told == told


def test_a_review_that_is_due_is_told_though_another_before_it_is_not() -> None:
    approver = Approver().hears(confirmed())
    later = approver.case._replace(registration_id=TWO, due_at=NOW + 9 * DAY)
    told = reviews.remind([later, approver.case, later], NOW + 3 * DAY).told
    assert [event.registration_id for event in told if isinstance(event, ReviewDue)] == [ONE]


def test_a_review_that_is_due_names_nobody_whose_claim_has_lapsed() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    [event] = reviews.remind([approver.case], NOW + 3 * DAY).told
    assert isinstance(event, ReviewDue) and event.claimed_by is None
