"""Approver's cases on a real PostgreSQL: decided once, on the newest facts, told once when due, never in a deadlock."""

import asyncio
import random
from collections import Counter
from uuid import UUID

import pytest

from services.approver import domain, store
from services.approver.claims import Reviewer
from services.approver.domain import Decided, Status
from services.approver.policy import BY_POLICY
from services.approver.refusals import CaseAlreadyDecided, NoLongerEligible, RegistrationOver
from shared.database import Database
from shared.eligibility import AccountDeleted
from shared.events import Event, Outcome, VngApproved, VngRejected
from shared.stores import history_of, lock_accounts
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    account,
    account_updated,
    confirmed,
    registration_approved,
    registration_closed,
)
from tests.services.approver.at_work import LAN, MINH, act, case_of, claim, decide, decide_in, hear, hear_in, rules
from tests.services.approver.statements import statements_of
from tests.services.conftest import Open, held_open, rows, told


@pytest.fixture
async def approver(open_database: Open) -> Database:
    """One eligible account is known."""
    database = await open_database("approver")
    await hear(database, account_updated())
    return database


async def test_what_is_stored_reads_back_as_it_was_decided(approver: Database) -> None:
    event = confirmed(common_name="Khách 'quen', 漢字")
    await hear(approver, event)
    expected = domain.open_cases([event], {}, {CUSTOMER: account()}, rules(), NOW).new[ONE]
    assert expected.facts
    assert await case_of(approver) == expected
    everything = expected._replace(
        status=Status.REJECTED,
        version=4,
        due_told_at=NOW + HOUR,
        claimed_by=LAN.email,
        claimed_until=NOW + 2 * HOUR,
        decided_by=MINH.email,
        decided_at=NOW + 3 * HOUR,
        reason="Hồ sơ 'thiếu'",
        outcome="withdrawn",
        final_at=NOW + 4 * HOUR,
        current_customer=True,
    )
    async with approver.transaction() as tx:
        await store.save(tx, Decided(changed={ONE: everything}))
    assert await case_of(approver) == everything


async def test_a_case_of_an_account_never_heard_of_is_opened_on_no_facts(approver: Database) -> None:
    await hear(approver, confirmed(customer_email="new@x.vn"))
    assert (await case_of(approver)).facts is None
    assert await rows(approver, "select facts is null from cases") == [(True,)]


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


@pytest.mark.parametrize("email", [CUSTOMER, "new@x.vn"], ids=["known account", "account never heard of"])
@pytest.mark.parametrize("confirmed_first", [True, False])
async def test_a_case_and_a_change_of_its_account_at_once_leave_it_decided_by_policy(
    approver: Database, email: str, *, confirmed_first: bool
) -> None:
    change = account_updated(email, version=2, vng_customer=True)
    opening = confirmed(customer_email=email)
    first, second = (opening, change) if confirmed_first else (change, opening)
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, first)
        late = asyncio.create_task(hear(approver, second))
        await until_another_waits()
    await late
    assert (await case_of(approver)).decided_by == BY_POLICY
    assert await told(approver) == ["VngApproved"]


@pytest.mark.parametrize("email", [CUSTOMER, "new@x.vn"], ids=["known account", "account never heard of"])
@pytest.mark.parametrize("confirmed_first", [True, False])
async def test_a_case_and_a_change_of_its_account_at_once_leave_it_knowing_a_current_customer(
    approver: Database, email: str, *, confirmed_first: bool
) -> None:
    """Where staff decide, as the account fails a condition besides."""
    change = account_updated(email, version=2, vng_customer=True, in_poc=True)
    opening = confirmed(customer_email=email)
    first, second = (opening, change) if confirmed_first else (change, opening)
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, first)
        late = asyncio.create_task(hear(approver, second))
        await until_another_waits()
    await late
    assert (await case_of(approver)).current_customer


async def test_a_case_knows_a_current_customer_while_it_is_claimed_and_after_it_is_none_any_more(
    approver: Database,
) -> None:
    await hear(approver, confirmed())
    await claim(approver, LAN)
    await hear(approver, account_updated(version=2, vng_customer=True, in_poc=True))
    assert (await case_of(approver)).current_customer
    await hear(approver, AccountDeleted(CUSTOMER))
    assert not (await case_of(approver)).current_customer


async def test_two_that_hear_first_of_an_account_at_once_keep_the_newest_facts(approver: Database) -> None:
    """Neither loses a race for the key of a row that neither finds."""
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, account_updated("new@x.vn", version=2, credit_balance=5))
        late = asyncio.create_task(hear(approver, account_updated("new@x.vn", version=1)))
        await until_another_waits()
    await late
    assert await rows(approver, "select version, credit_balance from accounts where email = 'new@x.vn'") == [(2, 5)]


async def test_accounts_that_are_all_known_are_locked_in_one_statement(approver: Database) -> None:
    await hear(approver, *(account_updated(f"k{n}@x.vn") for n in range(9)))
    known = [f"k{n}@x.vn" for n in range(9)]
    async with approver.transaction() as tx:
        with statements_of(approver) as sent:
            assert len(await lock_accounts(tx, [*known, *known])) == 9
        assert len(sent) == 1
        assert set(await lock_accounts(tx, [*known, "new@x.vn", "other@x.vn"])) == set(known)


async def test_newcomers_in_crossing_batches_never_deadlock(approver: Database) -> None:
    chance = random.Random(17)
    emails = [f"k{n}@x.vn" for n in range(300)]

    async def hear_some(version: int) -> None:
        for _ in range(8):
            batch = [account_updated(email, version=version) for email in chance.sample(emails, 60)]
            await hear(approver, *batch)

    await asyncio.gather(*(hear_some(version) for version in range(1, 13)))
    assert (await rows(approver, "select count(*) from accounts"))[0][0] >= 299


async def test_registrars_end_and_a_decision_at_once_leave_one_of_both(approver: Database) -> None:
    await hear(approver, confirmed())
    async with held_open(approver) as (tx, until_another_waits):
        await hear_in(tx, registration_closed(outcome=Outcome.WITHDRAWN))
        late = asyncio.create_task(decide(approver, LAN))
        await until_another_waits()
    assert await late == RegistrationOver("withdrawn", NOW)
    assert ((await case_of(approver)).status, await told(approver)) == (Status.WITHDRAWN, [])


async def test_crossing_batches_and_decisions_never_deadlock(approver: Database) -> None:
    """Accounts change, cases open, people claim and decide, claims lapse, reviews become due and registrar closes, each
    set in another order, all at once."""
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
    for n in range(20, 30):
        await claim(approver, LAN, ids[n])
    await asyncio.gather(
        *(change(n) for n in range(12)),
        *(open_some() for _ in range(6)),
        *(close_some() for _ in range(6)),
        *(decide_one(n) for n in range(40)),
        *(act(approver, NOW + n * DAY) for n in range(6)),
    )
    decided = await rows(approver, "select aggregateid, type = 'ReviewDue', count(*) from outbox group by 1, 2")
    assert all(count == 1 for *_, count in decided)
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


async def test_history_keeps_every_claim_and_release(approver: Database) -> None:
    await hear(approver, confirmed())
    for hours in range(3):
        await claim(approver, (LAN, MINH)[hours % 2], at=NOW + 5 * hours * HOUR)
    async with approver.transaction() as tx:
        history = await history_of(tx, ONE)
    assert [(line.event, line.actor) for line in history[1:]] == [
        ("CaseClaimed", LAN.email),
        ("CaseClaimed", MINH.email),
        ("CaseClaimed", LAN.email),
    ]


async def test_a_deleted_account_is_no_longer_eligible(approver: Database) -> None:
    await hear(approver, confirmed())
    await hear(approver, AccountDeleted(CUSTOMER))
    assert await decide(approver, LAN) == NoLongerEligible(("not_registered",))
    assert Counter(await told(approver)) == {}
