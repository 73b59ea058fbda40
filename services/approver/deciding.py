"""What staff decide, written down: those who decide at once share a transaction, and one that does not go through stops
no other.

Each case is decided under the locks of its account and itself, so the facts it is decided on are the newest, and of two
people who decide at once one is told who was first. Until the facts that were there at start have been read nothing is
decided.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.approver import reviews, store
from services.approver.claims import Reviewer
from services.approver.domain import Case, Decided
from services.approver.refusals import FactsNotYetRead, Refusal
from shared.database import Database
from shared.eligibility import Account
from shared.events import VngApproved, VngRejected
from shared.together import Together

Decide = Callable[[Case, Account | None, datetime], VngApproved | VngRejected | Refusal]

MOST = 64
"""In one transaction."""


@dataclass(frozen=True, slots=True)
class Wish:
    """`decide` is asked with the case, its account and the moment, and only where the reviewer may decide at all."""

    registration_id: UUID
    reviewer: Reviewer
    decide: Decide


@dataclass(frozen=True, slots=True)
class Outcome:
    """`case` as it was found. Without a `refusal` it is decided as wished."""

    case: Case
    refusal: Refusal | None


class Deciding:
    """`caught_up`: whether the account facts that were there at start have been read."""

    def __init__(self, database: Database, caught_up: Callable[[], bool]) -> None:
        self._database = database
        self._caught_up = caught_up
        self._together = Together(self._decide_all, MOST)

    async def decide(self, wish: Wish) -> Outcome | None:
        """None where there is no such case."""
        return await self._together(wish)

    def too_early(self) -> FactsNotYetRead | None:
        return None if self._caught_up() else FactsNotYetRead()

    async def _decide_all(self, wishes: Sequence[Wish]) -> list[Outcome | None]:
        async with self._database.transaction() as tx:
            cases, accounts = await store.lock_with_accounts(tx, [it.registration_id for it in wishes])
            decided = Decided()
            outcomes = [self._decide(it, cases, accounts, tx.now, decided) for it in wishes]
            await store.save(tx, decided, cases)
        return outcomes

    def _decide(
        self, wish: Wish, cases: Mapping[UUID, Case], accounts: Mapping[str, Account], now: datetime, decided: Decided
    ) -> Outcome | None:
        case = decided.now_known(wish.registration_id, cases)
        if case is None:
            return None
        refusal: Refusal | None = reviews.may_not_decide(case, wish.reviewer, now) or self.too_early()
        decision = refusal or wish.decide(case, accounts.get(case.customer_email), now)
        if not isinstance(decision, VngApproved | VngRejected):
            return Outcome(case, decision)
        decided.add(reviews.decided_by_person(case, decision, now))
        return Outcome(case, None)
