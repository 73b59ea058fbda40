"""Approver as a machine that anything may happen to, beside a diary of each case in which only facts are noted. What
VNG promises its reviewers, the policy and registrar is read off the diary."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.approver import claims, reviews
from services.approver.claims import Reviewer
from services.approver.domain import TRANSITIONS, Case, Decided, Final, Status
from services.approver.refusals import (
    CaseAlreadyDecided,
    CaseClaimedByAnother,
    ClaimOfAnother,
    ConditionsChanged,
    NoLongerEligible,
    Refusal,
    RegistrationOver,
)
from shared.eligibility import CurrentCustomers
from shared.events import CustomerConfirmed, Event, Outcome, ReviewDue, VngApproved, VngRejected
from shared.history import Entry
from tests.domain.approver import ADMIN, CAUSES, LAN, MINH, REFUSE, SKIP, Approver
from tests.domain.facts import CUSTOMER, DAY, HOUR, NOW, account, confirmed, registration_approved, registration_closed

MOMENT = timedelta(microseconds=1)
CLAIM, REVIEW = 4 * HOUR, 3 * DAY
ENDED = NOW - DAY
"""When registrar decided: nothing else happens then."""
BY_POLICY, STRANGER, NOTE = "policy:current-customer", "lạ@example.vn", "Đã gọi điện"

PLACES, MORE_OF_WHAT_IS_OVER = (0, 0, 1, 1, 2), (0, 1, 2, 2)
STAFF = (LAN, LAN, MINH, ADMIN)
"""What is written more than once happens more often: so that lives are long enough for what comes late in them."""
CONFIRMED, APPROVED = "confirmed", "approved"
ENDS = [APPROVED, *(how.value for how in Outcome)]
HEARD = [*product((0, 1), [*[CONFIRMED] * 10, *ENDS]), *product([2, 2], [CONFIRMED, *ENDS])]
ACCOUNTS = [
    (account(), ()),
    (account(), ()),
    (account(credit_balance=5), ("has_credit",)),
    (account(credit_balance=-5, in_poc=True), ("has_credit", "in_poc")),
    *[(account(deleted=True, vng_customer=True), ("not_registered",))] * 2,
    *[(account(vng_customer=True), ())] * 5,
    (account(vng_customer=True, in_poc=True), ("in_poc",)),
]
"""Each with the conditions that it fails."""
Approval = tuple[str | None, frozenset[str] | None]
REJECT: Approval | None = None
APPROVALS: list[Approval | None] = [
    (None, None),
    ("Ngoại lệ", None),
    ("Ngoại lệ", frozenset({"has_credit"})),
    ("Ngoại lệ", frozenset({"has_credit", "in_poc", "current_customer"})),
]
"""A reason to override conditions, and those that the page has shown."""
WAITS = (0 * DAY, 0 * DAY, HOUR, HOUR, 4 * HOUR, DAY)
DEADLINES = ("", "lapse", "lapse", "remind", "remind lapse")
NEARLY = (-MOMENT, 0 * DAY, 0 * DAY, MOMENT)


@dataclass
class Diary:
    """Of one case. `held` is who claimed it last and until when, until that is over and somebody has seen to it."""

    confirmed: CustomerConfirmed
    due_at: datetime | None = None
    held: tuple[str, datetime] | None = None
    reminded: bool = False
    decided: tuple[str, str, datetime, str | None] | None = None
    """Approved or rejected, by whom, when, and why."""
    final: str | None = None
    closed: bool = False
    """Registrar's final word came before any decision."""
    told: list[Event] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.decided:
            return self.decided[0]
        return "withdrawn" if self.closed else "open"

    def holder(self, now: datetime) -> str | None:
        return self.held[0] if self.held and now < self.held[1] else None

    def over(self) -> Refusal | None:
        if self.decided:
            return CaseAlreadyDecided(Status(self.decided[0]), self.decided[1], self.decided[2])
        return RegistrationOver(self.final or "", ENDED) if self.closed else None

    def held_against(self, by: Reviewer, now: datetime) -> Refusal | None:
        if self.held and self.holder(now) not in (None, by.email) and not by.is_admin:
            return CaseClaimedByAnother(*self.held)
        return None

    def moments(self) -> list[datetime]:
        """At which a claim or the patience with the reviewers ends."""
        return [] if self.status != "open" else [it for it in (self.held and self.held[1], self.due_at) if it]

    def note_decision(self, event: VngApproved | VngRejected, now: datetime) -> None:
        if isinstance(event, VngApproved):
            self.decided = "approved", event.approved_by, now, event.override_reason or event.note
        else:
            self.decided = "rejected", event.rejected_by, now, event.reason
        self.held = None
        self.told.append(event)

    def note_final(self, how: str) -> None:
        if self.final:
            return
        self.final = how
        if self.status == "open":
            self.held = None
            self.closed = how != APPROVED
            self.decided = None if self.closed else ("approved", "lan@vng.example", ENDED, None)


class Desk(Approver):
    """`about` is the case whose page is open."""

    about = UUID(int=0)

    @property
    def case(self) -> Case:
        return self.cases[self.about]

    def ends_claims(self, at: datetime) -> None:
        self._keep(claims.lapse(self.cases.values(), {CUSTOMER: self.account}, self._rules.policy, at))

    def reminds(self, at: datetime) -> None:
        self._keep(reviews.remind(self.cases.values(), at))


class AnyLife(RuleBasedStateMachine):
    @initialize(policy=st.sampled_from([SKIP, SKIP, REFUSE, REFUSE, CurrentCustomers.REVIEW]))
    def begin(self, policy: CurrentCustomers) -> None:
        self.desk = Desk(policy=policy)
        self.policy = policy
        self.now = NOW
        self.account, self.failing = ACCOUNTS[0]
        self.diaries: dict[UUID, Diary] = {}
        self.stage: list[CustomerConfirmed | None] = [None, None, None]
        """Two that are not over, where there is one at all, and the last that is."""
        self.came = 0
        self.lines_read = 0
        self.last_lines: dict[UUID, Entry] = {}

    @rule(poll=st.sampled_from([(it,) for it in HEARD]) | st.sampled_from([*product(HEARD, repeat=2)]))
    def hear(self, poll: tuple[tuple[int, str], ...]) -> None:
        """What is read at once is stored topic by topic."""
        facts = [(self._at(place), word) for place, word in poll]
        for event, word in facts:
            if word == CONFIRMED:
                self._note_opened(event)
        for event, word in facts:
            if word != CONFIRMED:
                self.diaries.setdefault(event.registration_id, Diary(event)).note_final(word)
        self.desk.hears(*(event if word == CONFIRMED else final(event, word) for event, word in facts), at=self.now)

    @rule(which=st.sampled_from(range(len(ACCOUNTS))))
    def the_account_changes(self, which: int) -> None:
        self.account, self.failing = ACCOUNTS[which]
        for diary in self.diaries.values():
            self._apply_policy(diary)
        self.desk.learns(self.account, self.now)

    @rule(how=st.sampled_from([*product(PLACES, STAFF)]))
    def a_reviewer_claims(self, how: tuple[int, Reviewer]) -> None:
        place, by = how
        self._claims(self._whose_page_is_open(place), by)

    def _claims(self, diary: Diary, by: Reviewer) -> None:
        said = self.desk.claims(by, self.now)
        if refusal := diary.over() or diary.held_against(by, self.now):
            assert said == refusal
        else:
            assert isinstance(said, Decided)
            diary.held = by.email, self.now + CLAIM

    @rule(how=st.sampled_from([*product((0, 0, 0, 1, 1, 1, 2), (None, None, None, *STAFF))]))
    def a_reviewer_releases(self, how: tuple[int, Reviewer | None]) -> None:
        """None: who holds the case, if anybody."""
        place, by = how
        diary = self._whose_page_is_open(place)
        holder = diary.holder(self.now)
        by = by or Reviewer(holder or LAN.email, is_admin=False)
        said = self.desk.releases(by, self.now)
        if refusal := diary.over():
            assert said == refusal
        elif diary.held and diary.held_against(by, self.now):
            assert said == ClaimOfAnother(*diary.held)
        else:
            assert isinstance(said, Decided)
            diary.held = None if holder else diary.held
            if holder:
                self._apply_policy(diary)

    @rule(how=st.sampled_from([*product(MORE_OF_WHAT_IS_OVER, STAFF, [REJECT, *APPROVALS])]))
    def a_reviewer_decides(self, how: tuple[int, Reviewer, Approval | None]) -> None:
        place, by, approval = how
        diary = self._whose_page_is_open(place)
        refusal = diary.over() or diary.held_against(by, self.now)
        decision: VngApproved | VngRejected
        if approval is None:
            decision = self._rejection(diary, by)
            said = self.desk.rejects(by, self.now)
        else:
            override, seen = approval
            refusal = refusal or not_to_override(self._failing_codes(), override, seen)
            decision = self._approval(diary, by, override)
            said = self.desk.approves(by, self.now, override=override, note=NOTE, seen=seen)
        assert said == (refusal or decision)
        if not refusal:
            diary.note_decision(decision, self.now)

    def _rejection(self, diary: Diary, by: Reviewer) -> VngRejected:
        it = diary.confirmed.registration_id
        return VngRejected(registration_id=it, rejected_by=by.email, reason="Hồ sơ thiếu", rejected_at=self.now)

    def _approval(self, diary: Diary, by: Reviewer, override: str | None) -> VngApproved:
        """A reason to override is told where there is something to override."""
        codes = self._failing_codes()
        return VngApproved(
            registration_id=diary.confirmed.registration_id,
            approved_by=by.email,
            note=NOTE,
            override_reason=override if codes else None,
            failing_codes=codes,
            approved_at=self.now,
        )

    @rule(how=st.sampled_from([*product(WAITS, DEADLINES)]))
    def time_passes(self, how: tuple[timedelta, str]) -> None:
        wait, deadlines = how
        self.now += wait
        self._act(deadlines)

    @rule(how=st.sampled_from([*product((0, 0, 1, 2), NEARLY, DEADLINES)]))
    def time_passes_until_something_is_due(self, how: tuple[int, timedelta, str]) -> None:
        which, off, deadlines = how
        moments = {at + off for diary in self.diaries.values() for at in diary.moments()}
        to_come = sorted(at for at in moments if at > self.now)
        self.now = to_come[which % len(to_come)] if to_come else self.now
        self._act(deadlines)

    def _at(self, place: int) -> CustomerConfirmed:
        """Where one is over another comes: unheard of, confirmed, or claimed already, by turns."""
        place = place if self.stage[place] else min(place, 1)
        it = self.stage[place]
        if it is None or (place < 2 and self._is_over(it)):
            self.came += 1
            self.stage[2], self.stage[place] = it, confirmation(self.came, self.now)
            it = self.stage[place]
            if self.came % 4:
                diary = self._whose_page_is_open(place)
                if self.came % 4 > 1:
                    self._claims(diary, LAN)
        assert it
        return it

    def _is_over(self, it: CustomerConfirmed) -> bool:
        return it.registration_id in self.diaries and self.diaries[it.registration_id].status != "open"

    def _whose_page_is_open(self, place: int) -> Diary:
        """A case that is not known has no page: its customer confirms now."""
        it = self._at(place)
        if it.registration_id not in self.diaries:
            self._note_opened(it)
            self.desk.hears(it, at=self.now)
        self.desk.about = it.registration_id
        return self.diaries[it.registration_id]

    def _note_opened(self, event: CustomerConfirmed) -> None:
        if event.registration_id not in self.diaries:
            diary = Diary(event, due_at=min(event.confirmed_at, self.now) + REVIEW)
            self.diaries[event.registration_id] = diary
            self._apply_policy(diary)

    def _is_current(self, diary: Diary) -> bool:
        account = self.account
        return diary.confirmed.customer_email == CUSTOMER and account.vng_customer and not account.deleted

    def _apply_policy(self, diary: Diary) -> None:
        if diary.status != "open" or diary.holder(self.now) or not self._is_current(diary):
            return
        it = diary.confirmed.registration_id
        if self.policy == "skip" and not self.failing:
            decision = VngApproved(registration_id=it, approved_by=BY_POLICY, approved_at=self.now)
            diary.note_decision(decision, self.now)
        elif self.policy == "refuse":
            reason = "current_customer"
            rejected = VngRejected(registration_id=it, rejected_by=BY_POLICY, reason=reason, rejected_at=self.now)
            diary.note_decision(rejected, self.now)

    def _failing_codes(self) -> tuple[str, ...]:
        """Of the one account that the double knows, whoever the case is about."""
        refused = self.policy == "refuse" and self.account.vng_customer and not self.account.deleted
        return (*self.failing, "current_customer") if refused else self.failing

    def _act(self, deadlines: str) -> None:
        for deadline in deadlines.split():
            if deadline == "lapse":
                self._claims_lapse()
            else:
                self._reviews_are_due()

    def _claims_lapse(self) -> None:
        for diary in self.diaries.values():
            if diary.held and diary.held[1] <= self.now:
                diary.held = None
                self._apply_policy(diary)
        self.desk.ends_claims(self.now)
        assert all(it.claimed_until is None or it.claimed_until > self.now for it in self.desk.cases.values())

    def _reviews_are_due(self) -> None:
        for diary in self.diaries.values():
            if diary.status == "open" and diary.due_at and diary.due_at <= self.now and not diary.reminded:
                diary.reminded = True
                due = {"claimed_by": diary.holder(self.now), "due_at": diary.due_at}
                diary.told.append(ReviewDue.about(diary.confirmed, **due))
        self.desk.reminds(self.now)
        waiting = (it for it in self.desk.cases.values() if it.status is Status.OPEN and not it.due_told_at)
        assert all(it.due_at and it.due_at > self.now for it in waiting)

    @invariant()
    def everything_stands_as_the_diary_says(self) -> None:
        stands = {
            it: (case.status.value, case.decided_by, case.decided_at, case.reason, case.outcome, case.due_at)
            for it, case in self.desk.cases.items()
        }
        assert stands == {
            it: (diary.status, *(diary.decided or (None,) * 4)[1:], diary.final, diary.due_at)
            for it, diary in self.diaries.items()
        }

    @invariant()
    def claims_are_held_as_the_diary_says(self) -> None:
        held = {it: (case.claimed_by, case.claimed_until) for it, case in self.desk.cases.items()}
        assert held == {it: diary.held or (None, None) for it, diary in self.diaries.items()}
        for it, diary in self.diaries.items():
            assert self.desk.cases[it].claimer(self.now) == diary.holder(self.now)

    @invariant()
    def what_was_told_is_what_happened(self) -> None:
        told: dict[UUID, list[Event]] = {it: [] for it in self.diaries}
        for event in self.desk.told:
            told[UUID(event.key)].append(event)
        assert told == {it: diary.told for it, diary in self.diaries.items()}

    @invariant()
    def the_policy_has_decided_all_that_nobody_holds(self) -> None:
        decides = self.policy == "refuse" or (self.policy == "skip" and not self.failing)
        for it, case in self.desk.cases.items():
            if case.status is Status.OPEN and case.claimed_until is None:
                assert not (decides and self._is_current(self.diaries[it]))

    @invariant()
    def an_open_case_says_whether_its_account_is_a_current_customers(self) -> None:
        for it, case in self.desk.cases.items():
            assert case.status is not Status.OPEN or case.current_customer == self._is_current(self.diaries[it])

    @invariant()
    def history_stays_in_the_table_and_versions_have_no_gap(self) -> None:
        for line in self.desk.history[self.lines_read :]:
            before = self.last_lines.get(line.registration_id)
            self.last_lines[line.registration_id] = line
            assert line.version == (before.version if before else 0) + (not line.note)
            assert line.status_from == (before.status_to if before else None)
            if line.note:
                assert line.status_to == line.status_from
                continue
            was = Status(line.status_from) if line.status_from else None
            assert Status(line.status_to) in TRANSITIONS[was, CAUSES[line.event]]
        self.lines_read = len(self.desk.history)
        versions = {it: case.version for it, case in self.desk.cases.items()}
        assert versions == {it: line.version for it, line in self.last_lines.items()}


def not_to_override(codes: tuple[str, ...], override: str | None, seen: frozenset[str] | None) -> Refusal | None:
    unseen = () if seen is None else tuple(code for code in codes if code not in seen)
    if unseen:
        return ConditionsChanged(unseen)
    return NoLongerEligible(codes) if codes and not override else None


def confirmation(number: int, now: datetime) -> CustomerConfirmed:
    """Each third read late, each third by a clock that is ahead, each fifth of an account that is not known."""
    off = (2 * HOUR - REVIEW, 0 * DAY, DAY)[number % 3]
    return confirmed(UUID(int=number), customer_email=CUSTOMER if number % 5 else STRANGER, confirmed_at=now + off)


def final(about: CustomerConfirmed, how: str) -> Final:
    it, email = about.registration_id, about.customer_email
    if how == APPROVED:
        return registration_approved(it, customer_email=email, approved_at=ENDED)
    return registration_closed(it, Outcome(how), customer_email=email, closed_at=ENDED)


AnyLife.TestCase.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
TestAnyLife = AnyLife.TestCase
