"""Approver's decisions: which cases staff see, who may decide them, and what the policy decides by itself."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given

from services.approver import claims, domain, reviews
from services.approver.claims import Reviewer
from services.approver.domain import TRANSITIONS, Case, Cause, ClaimEnd, Decided, Final, Rules, Status
from services.approver.facts import Change, changed_facts, facts_of
from services.approver.policy import BY_POLICY, decide_by_policy, failing_codes
from services.approver.refusals import (
    CaseAlreadyDecided,
    CaseClaimedByAnother,
    ClaimOfAnother,
    ConditionsChanged,
    NoLongerEligible,
    Refusal,
    RegistrationOver,
)
from shared import events
from shared.eligibility import Account, Code, CurrentCustomers
from shared.events import CustomerConfirmed, Event, Outcome, ReviewDue, VngApproved, VngRejected
from shared.history import NO_EFFECT, Entry
from tests.domain.batches import some_of
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

LAN = Reviewer("lan@vng.example", is_admin=False)
MINH = Reviewer("minh@vng.example", is_admin=False)
ADMIN = Reviewer("chief@vng.example", is_admin=True)
SKIP, REVIEW, REFUSE = CurrentCustomers.SKIP, CurrentCustomers.REVIEW, CurrentCustomers.REFUSE
CURRENT = account(vng_customer=True)
CURRENT_WITH_CREDIT = account(vng_customer=True, credit_balance=5)


class Approver:
    """Approver with dicts in place of its tables."""

    def __init__(self, known: Account | None = None, policy: CurrentCustomers = SKIP) -> None:
        self.cases: dict[UUID, Case] = {}
        self.history: list[Entry] = []
        self.told: list[Event] = []
        self.account = known or account()
        self._rules = Rules(policy, claim_for=4 * HOUR, due_at=lambda opened_at: opened_at + 3 * DAY)

    def hears(self, *batch: CustomerConfirmed | Final, at: datetime = NOW) -> "Approver":
        first = [event for event in batch if isinstance(event, CustomerConfirmed)]
        finals = [event for event in batch if not isinstance(event, CustomerConfirmed)]
        if first:
            self._keep(domain.open_cases(first, self.cases, {CUSTOMER: self.account}, self._rules, at))
        if finals:
            self._keep(domain.close_cases(finals, self.cases, at))
        return self

    def learns(self, changed: Account, at: datetime = NOW) -> "Approver":
        self.account = changed
        self._keep(domain.follow_accounts(self.cases.values(), {CUSTOMER: changed}, self._rules.policy, at))
        return self

    def lets_time_pass_until(self, at: datetime) -> "Approver":
        """Both deadlines act."""
        accounts = {CUSTOMER: self.account}
        self._keep(claims.lapse(self.cases.values(), accounts, self._rules.policy, at))
        self._keep(reviews.remind(self.cases.values(), at))
        return self

    def claims(self, reviewer: Reviewer, at: datetime = NOW) -> Decided | Refusal:
        return self._keep_unless_refused(claims.claim(self.case, reviewer, self._rules.claim_for, at))

    def releases(self, reviewer: Reviewer, at: datetime = NOW) -> Decided | Refusal:
        return self._keep_unless_refused(claims.release(self.case, self.account, reviewer, self._rules.policy, at))

    def approves(
        self,
        reviewer: Reviewer,
        at: datetime = NOW,
        *,
        override: str | None = None,
        note: str | None = None,
        seen: frozenset[str] | None = None,
    ) -> VngApproved | VngRejected | Refusal:
        codes = failing_codes(self.account, self._rules.policy)
        return self._settles(reviews.approve(self.case, codes, reviewer, note, override, at, seen), at)

    def rejects(self, reviewer: Reviewer, at: datetime = NOW) -> VngApproved | VngRejected | Refusal:
        return self._settles(reviews.reject(self.case, reviewer, "Hồ sơ thiếu", at), at)

    @property
    def case(self) -> Case:
        return self.cases[ONE]

    def _settles(
        self, decision: VngApproved | VngRejected | Refusal, at: datetime
    ) -> VngApproved | VngRejected | Refusal:
        if isinstance(decision, VngApproved | VngRejected):
            self._keep(reviews.decided_by_person(self.case, decision, at))
        return decision

    def _keep_unless_refused(self, answer: Decided | Refusal) -> Decided | Refusal:
        if isinstance(answer, Decided):
            self._keep(answer)
        return answer

    def _keep(self, decided: Decided) -> None:
        self.cases |= decided.new | decided.changed
        self.history += decided.history
        self.told += decided.told


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


def test_the_policy_leaves_a_claimed_case_to_its_claimer_until_the_claim_lapses() -> None:
    approver = Approver(policy=SKIP).hears(confirmed())
    approver.claims(LAN)
    assert approver.learns(CURRENT, NOW + 4 * HOUR - HOUR).case.status is Status.OPEN
    assert approver.learns(CURRENT, NOW + 4 * HOUR).case.status is Status.APPROVED


def test_the_policy_decides_no_case_twice() -> None:
    approver = Approver(policy=SKIP).hears(confirmed()).learns(CURRENT)
    history, told = list(approver.history), list(approver.told)
    approver.learns(CURRENT)
    assert (approver.history, approver.told) == (history, told)


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


def test_a_lapsed_claim_leaves_the_case_to_everybody_and_no_line_of_history() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    before, lines = approver.case, len(approver.history)
    approver.lets_time_pass_until(NOW + 4 * HOUR - HOUR)
    assert approver.case == before
    approver.lets_time_pass_until(NOW + 4 * HOUR)
    assert approver.case == replace(before, claimed_by=None, claimed_until=None)
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


NO_ACCOUNT = account(deleted=True)


@pytest.mark.parametrize(
    ("then", "now", "changes"),
    [
        (account(), account(version=7, locale=events.Locale.EN), []),
        (
            account(),
            account(account_id="another", holder_name="Trần Khác"),
            [
                Change("account_id", f"account of {CUSTOMER}", "another"),
                Change("holder_name", "Nguyễn Văn Khách", "Trần Khác"),
            ],
        ),
        (account(), account(credit_balance=-5), [Change("credit_balance", 0, -5)]),
        (
            account(in_poc=True),
            account(vng_customer=True, billing=events.Billing.POSTPAID),
            [
                Change("billing", events.Billing.PREPAID, events.Billing.POSTPAID),
                Change("in_poc", True, False),
                Change("vng_customer", False, True),
            ],
        ),
        (None, NO_ACCOUNT, []),
    ],
)
def test_what_has_changed_is_what_decisions_rest_on(
    then: Account | None, now: Account | None, changes: list[Change]
) -> None:
    assert changed_facts(facts_of(then), facts_of(now)) == changes


@pytest.mark.parametrize("none", [None, NO_ACCOUNT])
def test_an_account_that_came_or_went_is_told_first_and_fact_by_fact(none: Account | None) -> None:
    came = changed_facts(facts_of(none), facts_of(account(active_services=2)))
    assert came[0] == Change("registered", False, True)
    assert Change("active_services", None, 2) in came and Change("in_poc", None, False) in came
    went = changed_facts(facts_of(account(active_services=2)), facts_of(none))
    assert went == [Change(it.name, it.now, it.then) for it in came]


Step = CustomerConfirmed | Final | Account | str
STEPS: list[Step] = [
    confirmed(),
    registration_approved(),
    registration_closed(),
    CURRENT,
    CURRENT_WITH_CREDIT,
    account(),
    "claim",
    "release",
    "an hour",
    "three days",
    "approve",
    "reject",
]


def take(approver: Approver, step: Step, at: datetime) -> datetime:
    """Answers the time after it."""
    match step:
        case Account():
            approver.learns(step, at)
        case "an hour":
            approver.lets_time_pass_until(at + HOUR)
            return at + HOUR
        case "three days":
            approver.lets_time_pass_until(at + 3 * DAY)
            return at + 3 * DAY
        case str() if ONE not in approver.cases:
            pass
        case "claim":
            approver.claims(LAN, at)
        case "release":
            approver.releases(LAN, at)
        case "approve":
            approver.approves(LAN, at)
        case "reject":
            approver.rejects(MINH, at)
        case str():
            raise AssertionError(step)
        case _:
            approver.hears(step, at=at)
    return at


@pytest.mark.parametrize("policy", CurrentCustomers)
@given(steps=some_of(STEPS, most=12))
def test_a_case_is_decided_once_and_nothing_is_told_after_its_end(policy: CurrentCustomers, steps: list[Step]) -> None:
    approver = Approver(policy=policy)
    at = NOW
    for step in steps:
        over = ONE in approver.cases and approver.case.status is not Status.OPEN
        final = over and approver.case.outcome is not None
        before, told = approver.cases.get(ONE), len(approver.told)
        at = take(approver, step, at)
        if before and over:
            assert (approver.case.status, len(approver.told)) == (before.status, told)
        if final:
            assert approver.case == before
    assert sum(isinstance(event, VngApproved | VngRejected) for event in approver.told) <= 1
    assert sum(isinstance(event, ReviewDue) for event in approver.told) <= 1


@pytest.mark.parametrize("policy", CurrentCustomers)
@given(steps=some_of(STEPS, most=12))
def test_decisions_never_leave_the_table_and_versions_have_no_gap(policy: CurrentCustomers, steps: list[Step]) -> None:
    approver = Approver(policy=policy)
    at = NOW
    for step in steps:
        at = take(approver, step, at)
    version = 0
    for line in approver.history:
        if line.note:
            assert line.version == version
            continue
        assert line.version == version + 1
        version = line.version
        before = Status(line.status_from) if line.status_from else None
        assert Status(line.status_to) in TRANSITIONS[before, CAUSES[line.event]]


CAUSES: dict[str, Cause] = {
    cause if isinstance(cause, ClaimEnd) else cause.type(): cause for _status, cause in TRANSITIONS
}


def test_the_lifecycle_reaches_every_entry_of_the_table() -> None:
    """What the table allows happens: no entry is there for nothing."""
    reached: set[tuple[str | None, str, str]] = set()
    for approver in _lives():
        reached |= {(line.status_from, line.event, line.status_to) for line in approver.history if not line.note}
    allowed = {
        (before, cause if isinstance(cause, ClaimEnd) else cause.type(), after)
        for (before, cause), ends in TRANSITIONS.items()
        for after in ends
    }
    assert reached == allowed


def _lives() -> list[Approver]:
    lives = [Approver(CURRENT, SKIP), Approver(CURRENT, REFUSE)]
    for life in lives:
        life.hears(confirmed())
    for final in (registration_approved(), registration_closed()):
        lives.append(Approver().hears(final))
        lives.append(Approver().hears(confirmed()).hears(final))
        for decide in ("approves", "rejects"):
            life = Approver().hears(confirmed())
            getattr(life, decide)(LAN)
            lives.append(life.hears(final))
    for policy in (SKIP, REFUSE):
        lives.append(Approver(policy=policy).hears(confirmed()).lets_time_pass_until(NOW + 3 * DAY).learns(CURRENT))
        for end in ClaimEnd:
            life = Approver(policy=policy).hears(confirmed())
            life.claims(LAN)
            life.learns(CURRENT)
            if end is ClaimEnd.RELEASED:
                life.releases(LAN)
            lives.append(life.lets_time_pass_until(NOW + 5 * HOUR))
    return lives


def test_where_current_customers_are_refused_staff_need_a_reason_to_approve_one() -> None:
    assert failing_codes(CURRENT, CurrentCustomers.REFUSE) == (Code.CURRENT_CUSTOMER,)
    assert failing_codes(CURRENT, CurrentCustomers.REVIEW) == ()


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


def test_a_review_that_is_due_is_told_though_another_before_it_is_not() -> None:
    approver = Approver().hears(confirmed())
    later = replace(approver.case, registration_id=TWO, due_at=NOW + 9 * DAY)
    told = reviews.remind([later, approver.case, later], NOW + 3 * DAY).told
    assert [event.registration_id for event in told if isinstance(event, ReviewDue)] == [ONE]


def test_a_review_that_is_due_names_nobody_whose_claim_has_lapsed() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    [event] = reviews.remind([approver.case], NOW + 3 * DAY).told
    assert isinstance(event, ReviewDue) and event.claimed_by is None


@pytest.mark.usefixtures("elsewhere")
def test_history_says_until_when_in_utc_wherever_the_service_runs() -> None:
    approver = Approver().hears(confirmed())
    approver.claims(LAN)
    assert approver.history[-1].note == "until 2026-07-01T13:00:00Z"
