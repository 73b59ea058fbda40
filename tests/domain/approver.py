"""Approver with dicts in place of its tables, and the reviewers who work with it."""

from datetime import datetime
from uuid import UUID

from services.approver import claims, domain, reviews
from services.approver.claims import Reviewer
from services.approver.domain import TRANSITIONS, Case, Cause, ClaimEnd, Decided, Final, Rules
from services.approver.policy import failing_codes
from services.approver.refusals import (
    Refusal,
)
from shared.eligibility import Account, CurrentCustomers
from shared.events import CustomerConfirmed, Event, VngApproved, VngRejected
from shared.history import Entry
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    HOUR,
    NOW,
    ONE,
    account,
)

LAN = Reviewer("lan@vng.example", is_admin=False)


MINH = Reviewer("minh@vng.example", is_admin=False)


ADMIN = Reviewer("chief@vng.example", is_admin=True)


SKIP, REVIEW, REFUSE = CurrentCustomers.SKIP, CurrentCustomers.REVIEW, CurrentCustomers.REFUSE


CURRENT = account(vng_customer=True)


CURRENT_WITH_CREDIT = account(vng_customer=True, credit_balance=5)


CAUSES: dict[str, Cause] = {
    cause if isinstance(cause, ClaimEnd) else cause.type(): cause for _status, cause in TRANSITIONS
}


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
