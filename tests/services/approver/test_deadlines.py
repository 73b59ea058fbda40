"""Reviews that become due and claims that lapse, on a real PostgreSQL: once each, whoever else is at it, by index."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from services.approver.domain import Status
from services.approver.handlers import deadlines, handlers
from services.approver.policy import BY_POLICY
from shared.database import Database, Transaction
from shared.eligibility import CurrentCustomers
from shared.events import Outcome
from shared.scheduler import Deadline
from shared.stores import history_of, lock_accounts
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    HOUR,
    NOW,
    ONE,
    TWO,
    account_updated,
    confirmed,
    registration_approved,
    registration_closed,
)
from tests.services.approver.at_work import LAN, act, case_of, claim, decide, hear, rules
from tests.services.approver.statements import statements_of
from tests.services.conftest import Open, held_open, rows, told

REVIEW_DUE, CLAIMS_LAPSE = deadlines(rules())
DUE_AT = NOW + 3 * DAY


@pytest.fixture
async def database(open_database: Open) -> Database:
    """One open case of one eligible account."""
    database = await open_database("approver")
    await hear(database, account_updated())
    await hear(database, confirmed())
    return database


async def act_on(database: Database, deadline: Deadline, at: Any, most: int = 500) -> int:
    async with database.transaction(at) as tx:
        return await deadline.act(tx, most, 0)


async def test_a_due_review_is_told_once_with_its_claimer_and_noted_in_history(database: Database) -> None:
    await claim(database, LAN, at=DUE_AT - HOUR)
    assert await act_on(database, REVIEW_DUE, DUE_AT - HOUR) == 0
    assert await act_on(database, REVIEW_DUE, DUE_AT) == 1
    assert await act_on(database, REVIEW_DUE, DUE_AT + DAY) == 0
    [(kind, payload)] = await rows(database, "select type, payload from outbox")
    assert kind == "ReviewDue"
    assert json.loads(payload) == {
        "registration_id": str(ONE),
        "partner_name": "Công ty Đối Tác",
        "customer_email": CUSTOMER,
        "claimed_by": LAN.email,
        "due_at": "2026-07-04T09:00:00Z",
    }
    async with database.transaction() as tx:
        line = (await history_of(tx, ONE))[-1]
    assert (line.status_from, line.status_to, line.event, line.actor, line.at) == (
        "open", "open", "ReviewDue", "approver", DUE_AT,
    )  # fmt: skip


async def test_of_two_instances_one_tells_a_review_and_the_other_does_not_wait(database: Database) -> None:
    await hear(database, confirmed(TWO))
    async with database.transaction(DUE_AT) as tx:
        assert await REVIEW_DUE.act(tx, 1, 0) == 1
        assert await act_on(database, REVIEW_DUE, DUE_AT) == 1
        assert await act_on(database, REVIEW_DUE, DUE_AT) == 0
    assert await rows(database, "select count(*), count(distinct aggregateid) from outbox") == [(2, 2)]


@pytest.mark.parametrize("decided", [True, False])
async def test_no_review_is_due_once_the_case_is_over(database: Database, *, decided: bool) -> None:
    if decided:
        await decide(database, LAN)
    else:
        await hear(database, registration_closed(outcome=Outcome.WITHDRAWN))
    before = await told(database)
    assert await act_on(database, REVIEW_DUE, DUE_AT + DAY) == 0
    assert await told(database) == before


async def test_a_claim_that_lapses_leaves_the_case_as_it_was_before_the_claim(database: Database) -> None:
    before = await case_of(database)
    await claim(database, LAN)
    lines = await rows(database, "select id from history")
    assert await act_on(database, CLAIMS_LAPSE, NOW + 3 * HOUR) == 0
    assert await act_on(database, CLAIMS_LAPSE, NOW + 4 * HOUR) == 1
    assert await act_on(database, CLAIMS_LAPSE, NOW + 4 * HOUR) == 0
    assert await case_of(database) == before
    assert await rows(database, "select id from history") == lines


async def test_a_claim_made_anew_while_the_old_one_lapses_stays(database: Database) -> None:
    """Which claims have lapsed is looked up without a lock, and looked at again under it."""
    await claim(database, LAN)
    later = NOW + 4 * HOUR
    async with held_open(database) as (tx, until_another_waits):
        await lock_accounts(tx, [CUSTOMER])
        lapsing = asyncio.create_task(act_on(database, CLAIMS_LAPSE, later))
        await until_another_waits()
        await claim(database, LAN, at=later)
    assert await lapsing == 0
    assert (await case_of(database)).claimer(later) == LAN.email


async def test_an_account_that_changes_while_a_claim_lapses_is_not_missed(database: Database) -> None:
    await claim(database, LAN)
    async with held_open(database) as (tx, until_another_waits):
        await hear_of_account(tx, version=2, vng_customer=True)
        lapsing = asyncio.create_task(act_on(database, CLAIMS_LAPSE, NOW + 4 * HOUR))
        await until_another_waits()
    assert await lapsing == 1
    case = await case_of(database)
    assert (case.status, case.decided_by) == (Status.APPROVED, BY_POLICY)
    async with database.transaction() as tx:
        assert [it.event for it in await history_of(tx, ONE)] == ["CustomerConfirmed", "CaseClaimed", "ClaimLapsed"]


async def hear_of_account(tx: Transaction, **facts: Any) -> None:
    event = account_updated(**facts)
    await handlers(rules(CurrentCustomers.SKIP))[type(event)]([event], tx)


@pytest.mark.parametrize("final", [registration_approved(), registration_closed()])
async def test_after_registrars_final_word_nothing_is_told_and_what_comes_is_noted_once(
    open_database: Open, final: Any
) -> None:
    """The final word is read first, the confirmation after it, everything twice, and time passes."""
    database = await open_database("approver")
    other = registration_closed() if final == registration_approved() else registration_approved()
    await hear(database, final)
    closed = await case_of(database)
    for _ in range(2):
        await hear(database, confirmed())
        await hear(database, account_updated(vng_customer=True))
        await hear(database, final)
        await hear(database, other)
        await act(database, DUE_AT + DAY)
    assert await case_of(database) == closed
    assert await told(database) == []
    notes = await rows(database, "select event, count(*) from history where note <> '' group by 1 order by 1")
    assert notes == [("CustomerConfirmed", 1), ("RegistrationApproved", 1), ("RegistrationClosed", 1)]


FILL = """
    insert into approver.cases (registration_id, partner_id, partner_name, customer_email, common_name, role, status,
        version, opened_at, due_at, due_told_at, claimed_by, claimed_until, current_customer, search_text)
    select gen_random_uuid(), 'p', 'P', 'k' || n || '@x.vn', 'K', 'Partner',
        case when n % 10 = 0 then 'open' else 'rejected' end, 1, $1::timestamptz,
        $1::timestamptz + n * interval '1 min',
        case when n % 20 = 0 then $1::timestamptz end,
        case when n % 50 = 0 then 'lan@vng.example' end,
        case when n % 50 = 0 then $1::timestamptz + n * interval '1 min' end,
        false, 'k' || n
    from generate_series(1, 20000) n
"""
FILL_ACCOUNTS = """
    insert into accounts select 'k' || n || '@x.vn', 'a', 'H', 'vi', 'prepaid', 0, 0, 0, false, false, 1, false, 1
    from generate_series(1, 20000) n
"""


@pytest.mark.parametrize(
    ("deadline", "index", "column"),
    [(REVIEW_DUE, "cases_not_told_idx", "due_at"), (CLAIMS_LAPSE, "cases_claimed_idx", "claimed_until")],
)
async def test_what_is_due_is_found_by_its_index_among_many_cases(
    open_database: Open, database_url: str, deadline: Deadline, index: str, column: str
) -> None:
    database = await open_database("approver")
    owner = await asyncpg.connect(database_url, server_settings={"search_path": "approver"})
    try:
        await owner.execute(FILL, NOW)
        await owner.execute(FILL_ACCOUNTS)
        await owner.execute("analyze")
        with statements_of(database) as sent:
            assert await act_on(database, deadline, NOW + HOUR, 500) > 0
        plans = [
            await owner.fetchval(f"explain (format json) {statement}", *parameters)
            for statement, parameters in sent
            if statement.lstrip().startswith("SELECT")
        ]
    finally:
        await owner.close()
    assert any(index in plan and f'"Index Cond": "({column} <=' in plan for plan in plans)
    assert "Seq Scan" not in "".join(plans)
