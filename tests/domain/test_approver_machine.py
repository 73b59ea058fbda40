"""Approver as a machine that anything may happen to, beside a diary of each case in which only facts are noted. What
VNG promises its reviewers, the policy and registrar is read off the diary."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
from tests.domain.facts import CUSTOMER, DAY, HOUR, NOW, account, confirmed, registration_approved, registration_closed
from tests.domain.test_approver import ADMIN, CAUSES, LAN, MINH, Approver

MOMENT = timedelta(microseconds=1)
CLAIM, REVIEW = 4 * HOUR, 3 * DAY
ENDED = NOW - DAY
"""When registrar decided: nothing else happens then."""
BY_POLICY, STRANGER = "policy:current-customer", "lạ@example.vn"

PLACES, MORE_OF_WHAT_IS_OPEN = (0, 1, 2), (0, 0, 1, 1, 2)
CONFIRMED, APPROVED = "confirmed", "approved"
ENDS = [APPROVED, *(how.value for how in Outcome)]
HEARD = [*product(MORE_OF_WHAT_IS_OPEN, [*[CONFIRMED] * 9, *ENDS]), *product([2], ENDS)]
ACCOUNTS = [
    (account(), ()),
    (account(), ()),
    (account(credit_balance=5), ("has_credit",)),
    (account(credit_balance=-5, in_poc=True), ("has_credit", "in_poc")),
    (account(deleted=True, vng_customer=True), ("not_registered",)),
    (account(vng_customer=True), ()),
    (account(vng_customer=True, in_poc=True), ("in_poc",)),
]
"""Each with the conditions that it fails."""
DECISIONS: list[tuple[str | None, frozenset[str] | None]] = [
    (None, None),
    ("Ngoại lệ", None),
    ("Ngoại lệ", frozenset({"has_credit"})),
    ("Ngoại lệ", frozenset({"has_credit", "in_poc", "current_customer"})),
]
"""A reason to override conditions, and those that the page has shown."""
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

    def taken(self, by: Reviewer, now: datetime) -> Refusal | None:
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


class AnyLife(RuleBasedStateMachine):
    @initialize(policy=st.sampled_from(CurrentCustomers))
    def begin(self, policy: CurrentCustomers) -> None:
        self.desk = Desk(policy=policy)
        self.policy = policy
        self.now = NOW
        self.account, self.codes = ACCOUNTS[0]
        self.diaries: dict[UUID, Diary] = {}
        self.stage: list[CustomerConfirmed | None] = [None, None, None]
        """Two that are not over, where there is one at all, and the last that is."""
        self.came = 0
        self.lines_read = 0
        self.last_lines: dict[UUID, Entry] = {}

    @rule(poll=st.sampled_from([(it,) for it in HEARD]) | st.sampled_from([*product(HEARD, repeat=2)]))
    def hear(self, poll: tuple[tuple[int, str], ...]) -> None:
        self._hear([(self._at(place), word) for place, word in poll])

    @rule(which=st.sampled_from(ACCOUNTS))
    def the_account_changes(self, which: tuple[object, tuple[str, ...]]) -> None:
        self.account, self.codes = ACCOUNTS[ACCOUNTS.index(which)]  # type: ignore[arg-type]
