"""Approver's cases on a real PostgreSQL: decided once, on the newest facts, and never in a deadlock."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.approver import domain, store
from services.approver.domain import BY_POLICY, Case, CaseAlreadyDecided, NoLongerEligible, Refusal, Reviewer, Status
from services.approver.handlers import handlers
from shared.database import Database, Transaction
from shared.eligibility import AccountDeleted, CurrentCustomers
from shared.events import AccountUpdated, Event, Outcome, VngApproved, VngRejected
from shared.messaging.batch import Handlers
from shared.stores import history_of, lock_accounts
from tests.domain.facts import (
    CUSTOMER,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    account_updated,
    confirmed,
    registration_approved,
    registration_closed,
)
from tests.services.conftest import Open, held_open, rows, told

LAN = Reviewer("lan@vng.example", is_admin=False)
MINH = Reviewer("minh@vng.example", is_admin=False)
SKIP = handlers(CurrentCustomers.SKIP)


@pytest.fixture
async def approver(open_database: Open) -> Database:
    """One eligible account is known."""
    database = await open_database("approver")
    await hear(database, account_updated())
    return database


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
        domain.approve(case, domain.failing_codes(account, CurrentCustomers.SKIP), reviewer, None, None, tx.now)
        if approve
        else domain.reject(case, reviewer, "Hồ sơ thiếu", tx.now)
    )
    if isinstance(decision, VngApproved | VngRejected):
        await store.save(tx, domain.decided_by_person(case, decision, tx.now))
    return decision


async def decide(database: Database, reviewer: Reviewer, **how: Any) -> VngApproved | VngRejected | Refusal:
    async with database.transaction() as tx:
        return await decide_in(tx, reviewer, **how)


async def case_of(database: Database, registration_id: UUID = ONE) -> Case:
    async with database.transaction() as tx:
        case = await store.get(tx, registration_id)
    assert case
    return case


async def test_what_is_stored_reads_back_as_it_was_decided(approver: Database) -> None:
    event = confirmed(common_name="Khách 'quen', 漢字")
    await hear(approver, event)
    expected = domain.open_cases([event], {}, {}, CurrentCustomers.SKIP, NOW).new[ONE]
    assert await case_of(approver) == expected
    claimed = domain.claim(expected, LAN, 4 * HOUR, NOW)
    assert isinstance(claimed, Case)
    async with approver.transaction() as tx:
        await store.save(tx, domain.Decided(changed={ONE: claimed}))
    assert await case_of(approver) == claimed


async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told_who_and_when(approver: Database) -> None:
    await hear(approver, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        first = await decide_in(tx, LAN)
        second = asyncio.create_task(decide(approver, MINH, approve=False))
        await until_another_waits()
    assert isinstance(first, VngApproved)
    assert await second == CaseAlreadyDecided(Status.APPROVED, LAN.email, NOW)
    assert await told(approver) == ["VngApproved"]


async def test_of_many_who_decide_at_once_one_wins(approver: Database) -> None:
    await hear(approver, confirmed())
    people = [Reviewer(f"person{n}@vng.example", is_admin=n % 3 == 0) for n in range(12)]
    answers = await asyncio.gather(*(decide(approver, it, approve=n % 2 == 0) for n, it in enumerate(people)))
    [won] = (it for it in answers if isinstance(it, VngApproved | VngRejected))
    by = won.approved_by if isinstance(won, VngApproved) else won.rejected_by
    assert {it.by for it in answers if isinstance(it, CaseAlreadyDecided)} == {by}
    assert len(await told(approver)) == 1
    assert (await case_of(approver)).decided_by == by


async def test_a_decision_while_the_account_changes_is_made_on_the_newest_facts(approver: Database) -> None:
    await hear(approver, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, account_updated(version=2, credit_balance=5))
        decision = asyncio.create_task(decide(approver, LAN))
        await until_another_waits()
    assert await decision == NoLongerEligible(("has_credit",))
    assert await told(approver) == []


async def test_an_account_that_changes_while_it_is_decided_leaves_the_decision(approver: Database) -> None:
    await hear(approver, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        await decide_in(tx, LAN)
        change = asyncio.create_task(hear(approver, account_updated(version=2, vng_customer=True)))
        await until_another_waits()
    await change
    assert await told(approver) == ["VngApproved"]
    assert (await case_of(approver)).decided_by == LAN.email


async def test_a_reviewer_who_comes_after_the_policy_is_told_so(approver: Database) -> None:
    await hear(approver, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, account_updated(version=2, vng_customer=True))
        late = asyncio.create_task(decide(approver, LAN, approve=False))
        await until_another_waits()
    assert await late == CaseAlreadyDecided(Status.APPROVED, BY_POLICY, NOW)
    assert await told(approver) == ["VngApproved"]


@pytest.mark.parametrize("confirmed_first", [True, False])
async def test_a_case_and_a_change_of_its_account_at_once_leave_it_decided_by_policy(
    approver: Database, *, confirmed_first: bool
) -> None:
    change = account_updated(version=2, vng_customer=True)
    first, second = (confirmed(), change) if confirmed_first else (change, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, first)
        late = asyncio.create_task(hear(approver, second))
        await until_another_waits()
    await late
    assert (await case_of(approver)).decided_by == BY_POLICY
    assert await told(approver) == ["VngApproved"]


async def test_registrars_end_and_a_decision_at_once_leave_one_of_both(approver: Database) -> None:
    await hear(approver, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, registration_closed(outcome=Outcome.WITHDRAWN))
        late = asyncio.create_task(decide(approver, LAN))
        await until_another_waits()
    assert isinstance(await late, CaseAlreadyDecided)
    assert ((await case_of(approver)).status, await told(approver)) == (Status.WITHDRAWN, [])


async def test_crossing_batches_and_decisions_never_deadlock(approver: Database) -> None:
    """Accounts change, cases open, people decide and registrar closes, each set in another order, all at once."""
    chance = random.Random(17)
    emails = [f"k{n}@x.vn" for n in range(8)]
    ids = [UUID(int=n) for n in range(40)]
    owner = {it: emails[n % len(emails)] for n, it in enumerate(ids)}
    await hear(approver, *map(account_updated, emails))
    await hear(approver, *(confirmed(it, customer_email=owner[it]) for it in ids[:20]))

    async def change(n: int) -> None:
        some = chance.sample(emails, 6)
        await hear(approver, *(account_updated(it, version=n + 2, vng_customer=n % 2 == 0) for it in some))

    async def open_some() -> None:
        await hear(approver, *(confirmed(it, customer_email=owner[it]) for it in chance.sample(ids[:30], 15)))

    async def close_some() -> None:
        await hear(
            approver, *(registration_approved(it, customer_email=owner[it]) for it in chance.sample(ids[:20], 8))
        )

    async def decide_one(n: int) -> None:
        it = ids[n % 20]
        await decide(approver, (LAN, MINH)[n % 2], approve=n % 3 == 0, registration_id=it, email=owner[it])

    await hear(approver, *(confirmed(it, customer_email=owner[it]) for it in ids[20:30]))  # rows exist: no lost race
    await asyncio.gather(
        *(change(n) for n in range(12)),
        *(open_some() for _ in range(6)),
        *(close_some() for _ in range(6)),
        *(decide_one(n) for n in range(40)),
    )
    decided = await rows(approver, "select aggregateid, count(*) from outbox group by 1")
    assert all(count == 1 for _, count in decided)
    gaps = "select registration_id from history where note = '' group by 1 having max(version) <> count(*)"
    assert await rows(approver, gaps) == []


@pytest.mark.parametrize("batch", [
    [confirmed(), confirmed(), confirmed(TWO)],
    [registration_approved(), registration_approved(TWO)],
    [registration_closed(), registration_closed()],
    [registration_closed(THREE)],
    [account_updated(version=2, vng_customer=True), account_updated(version=2, in_poc=True)],
])  # fmt: skip
async def test_a_batch_handled_twice_leaves_what_it_left_once(approver: Database, batch: list[Event]) -> None:
    async def left() -> list[object]:
        tables = (
            "cases order by registration_id",
            "accounts",
            "outbox order by position",
            "history where note = '' order by id",
        )
        return [await rows(approver, f"select * from {table}") for table in tables]

    await hear(approver, confirmed())
    await hear(approver, *batch)
    once = await left()
    await hear(approver, *batch)
    assert await left() == once


async def test_history_says_who_decided_and_why(approver: Database) -> None:
    await hear(approver, confirmed())
    await decide(approver, LAN, approve=False)
    await hear(approver, registration_closed(outcome=Outcome.REJECTED))
    async with approver.transaction() as tx:
        history = await history_of(tx, ONE)
    assert [(line.version, line.event, line.actor, line.reason) for line in history] == [
        (1, "CustomerConfirmed", CUSTOMER, None),
        (2, "VngRejected", LAN.email, "Hồ sơ thiếu"),
        (3, "RegistrationClosed", "registrar", "rejected"),
    ]


async def test_the_queue_shows_open_cases_oldest_first_and_no_more_than_asked(
    approver: Database,
) -> None:
    async def open_at(registration_id: UUID, after: timedelta) -> None:
        async with approver.transaction(NOW + after) as tx:
            await hear_in(tx, confirmed(registration_id))

    for registration_id, after in ((TWO, 2 * HOUR), (ONE, HOUR), (THREE, 3 * HOUR)):
        await open_at(registration_id, after)
    await decide(approver, LAN, registration_id=ONE)
    async with approver.transaction() as tx:
        assert [it.registration_id for it in await store.oldest_open(tx, 9)] == [TWO, THREE]
        assert [it.registration_id for it in await store.oldest_open(tx, 1)] == [TWO]


async def test_a_deleted_account_is_no_longer_eligible(approver: Database) -> None:
    await hear(approver, confirmed())
    await hear(approver, AccountDeleted(CUSTOMER))
    assert await decide(approver, LAN) == NoLongerEligible(("not_registered",))
    assert Counter(await told(approver)) == {}
