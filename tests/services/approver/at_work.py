"""What approver does on a real database, without Kafka and without pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.approver import claims, reviews, store
from services.approver.claims import Reviewer
from services.approver.domain import Case, Decided, Rules
from services.approver.handlers import deadlines, handlers
from services.approver.policy import failing_codes
from services.approver.refusals import Refusal
from shared.database import Database, Transaction
from shared.eligibility import AccountDeleted, CurrentCustomers
from shared.events import AccountUpdated, VngApproved, VngRejected
from shared.messaging.batch import Handlers
from shared.stores import lock_accounts
from tests.domain.facts import CUSTOMER, DAY, HOUR, ONE

LAN = Reviewer("lan@vng.example", is_admin=False)
MINH = Reviewer("minh@vng.example", is_admin=False)


def rules(policy: CurrentCustomers = CurrentCustomers.SKIP) -> Rules:
    return Rules(policy, claim_for=4 * HOUR, due_at=lambda opened_at: opened_at + 3 * DAY)


SKIP = handlers(rules())


async def hear(database: Database, *batch: Any, handlers: Handlers = SKIP) -> None:
    async with database.transaction() as tx:
        await hear_in(tx, *batch, handlers=handlers)


async def hear_in(tx: Transaction, *batch: Any, handlers: Handlers = SKIP) -> None:
    kind = AccountUpdated if isinstance(batch[0], AccountDeleted) else type(batch[0])
    await handlers[kind](list(batch), tx)


async def decide_in(
    tx: Transaction, reviewer: Reviewer, *, approve: bool = True, registration_id: UUID = ONE, email: str = CUSTOMER
) -> VngApproved | VngRejected | Refusal:
    """As the page does it: the account, then the case."""
    account = (await lock_accounts(tx, [email])).get(email)
    case = (await store.lock(tx, [registration_id]))[registration_id]
    decision: VngApproved | VngRejected | Refusal = (
        reviews.approve(case, failing_codes(account, CurrentCustomers.SKIP), reviewer, None, None, tx.now)
        if approve
        else reviews.reject(case, reviewer, "Hồ sơ thiếu", tx.now)
    )
    if isinstance(decision, VngApproved | VngRejected):
        await store.save(tx, reviews.decided_by_person(case, decision, tx.now))
    return decision


async def decide(database: Database, reviewer: Reviewer, **how: Any) -> VngApproved | VngRejected | Refusal:
    async with database.transaction() as tx:
        return await decide_in(tx, reviewer, **how)


async def claim(
    database: Database, reviewer: Reviewer, registration_id: UUID = ONE, at: datetime | None = None
) -> None:
    async with database.transaction(at) as tx:
        case = (await store.lock(tx, [registration_id]))[registration_id]
        claimed = claims.claim(case, reviewer, 4 * HOUR, tx.now)
        assert isinstance(claimed, Decided)
        await store.save(tx, claimed)


async def release(
    database: Database, reviewer: Reviewer, registration_id: UUID, *, email: str, policy: CurrentCustomers
) -> None:
    async with database.transaction() as tx:
        account = (await lock_accounts(tx, [email])).get(email)
        case = (await store.lock(tx, [registration_id]))[registration_id]
        released = claims.release(case, account, reviewer, policy, tx.now)
        assert isinstance(released, Decided)
        await store.save(tx, released)


async def act(database: Database, at: datetime, policy: CurrentCustomers = CurrentCustomers.SKIP) -> list[int]:
    """What the scheduler does at a moment. Answers how many cases each deadline had in hand."""
    counts = []
    for deadline in deadlines(rules(policy)):
        async with database.transaction(at) as tx:
            counts.append(await deadline.act(tx, 500, 0))
    return counts


async def case_of(database: Database, registration_id: UUID = ONE) -> Case:
    async with database.transaction() as tx:
        case = await store.get(tx, registration_id)
    assert case
    return case
