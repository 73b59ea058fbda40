"""Registrar's handlers on the real store: locks, unique keys, and an outbox in the same commit."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import UniqueViolationError

from services.registrar import store
from services.registrar.domain import Decided, Status
from services.registrar.handlers import handlers
from services.registrar.opening import Policy
from shared.database import Database, Transaction
from shared.eligibility import AccountDeleted, CurrentCustomers
from shared.events import AccountUpdated, Event, Locale, RegistrationApproved, RegistrationRequested
from shared.messaging.batch import Handlers
from shared.stores import history_of
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    NOW,
    ONE,
    OTHER_PARTNER,
    THREE,
    TWO,
    account_updated,
    confirmed,
    declined,
    expired,
    requested,
    vng_approved,
    vng_rejected,
    withdrawn,
)
from tests.services.conftest import MovableClock, Open, held_open, rows, told

LIMIT = 3
HANDLERS = handlers(Policy(LIMIT, timedelta(days=30), CurrentCustomers.SKIP))


@pytest.fixture
async def registrar(open_database: Open) -> Database:
    """One eligible account is known."""
    database = await open_database("registrar")
    await hear(database, account_updated())
    return database


async def hear(database: Database, *batch: Any, handlers: Handlers = HANDLERS) -> list[tuple[Event, str]]:
    """One batch of one kind, as the consumer does it. Answers what goes to quarantine."""
    async with database.transaction() as tx:
        return await hear_in(tx, *batch, handlers=handlers)


async def hear_in(tx: Transaction, *batch: Any, handlers: Handlers = HANDLERS) -> list[tuple[Event, str]]:
    kind = AccountUpdated if isinstance(batch[0], AccountDeleted) else type(batch[0])
    await handlers[kind](list(batch), tx)
    return tx.refused


async def statuses(database: Database) -> dict[UUID, str]:
    return {row[0]: row[1] for row in await rows(database, "select registration_id, status from registrations")}


async def everything(database: Database) -> list[object]:
    tables = (
        "registrations order by registration_id",
        "history order by id",
        "outbox order by position",
        "early_withdrawals order by registration_id, partner_id",
    )
    return [await rows(database, f"select * from {table}") for table in tables]


async def test_what_is_stored_reads_back_as_it_was_decided(registrar: Database) -> None:
    request = requested(batch_id=TWO, common_name='Khách "quen", \\ \'; 漢字')
    await hear(registrar, request, requested(THREE, customer_email="unknown@x.vn"))
    async with registrar.transaction() as tx:
        opened, refused = await store.get(tx, ONE), await store.get(tx, THREE)
    assert opened
    assert refused
    assert RegistrationRequested.about(opened) == request
    assert (opened.status, opened.locale, opened.codes) == (Status.AWAITING_CONFIRMATION, "vi", ())
    assert (refused.status, refused.locale, refused.codes) == (Status.REFUSED, None, ("not_registered",))


async def test_a_whole_life_leaves_its_history_and_tells_each_transition_once_in_order(registrar: Database) -> None:
    for fact in (requested(), confirmed(), vng_approved(), vng_approved(), confirmed()):
        await hear(registrar, fact)
    assert await statuses(registrar) == {ONE: "approved"}
    async with registrar.transaction() as tx:
        history = await history_of(tx, ONE)
    assert [(line.version, line.status_to, line.note) for line in history] == [
        (1, "awaiting_confirmation", ""),
        (2, "awaiting_approval", ""),
        (3, "approved", ""),
        (3, "approved", "no_effect"),
        (3, "approved", "no_effect"),
    ]
    assert await told(registrar) == ["RegistrationOpened", "RegistrationApproved"]


async def test_what_one_transaction_tells_at_several_places_stays_in_order(registrar: Database) -> None:
    async with registrar.transaction() as tx:
        await hear_in(tx, requested())
        await hear_in(tx, vng_approved())
    assert await told(registrar) == ["RegistrationOpened", "RegistrationApproved"]


async def test_the_outbox_holds_what_was_told_for_its_topic_and_key_in_order(registrar: Database) -> None:
    await hear(registrar, requested(ONE), requested(TWO, **OTHER_PARTNER), requested(THREE, customer_email="u@x.vn"))
    found = await rows(
        registrar, "select type, topic, aggregatetype, aggregateid, occurred_at from outbox order by position"
    )
    assert found == [
        ("RegistrationOpened", "registration-opened.v1", "registration", str(ONE), NOW),
        ("RegistrationClosed", "registration-closed.v1", "registration", str(TWO), NOW),
        ("RegistrationClosed", "registration-closed.v1", "registration", str(THREE), NOW),
    ]
    ids = await rows(registrar, "select count(distinct id) from outbox")
    assert ids == [(3,)]


@pytest.mark.parametrize("batch", [
    [requested(), requested(TWO, **OTHER_PARTNER), requested(), requested(THREE, customer_email="u@x.vn")],
    [confirmed(), confirmed()],
    [declined(), declined()],
    [expired(), expired()],
    [withdrawn(), withdrawn(TWO), withdrawn(partner_id="p-2"), withdrawn(TWO)],
    [vng_approved(), vng_approved()],
    [vng_rejected()],
])  # fmt: skip
async def test_a_batch_handled_twice_leaves_what_it_left_once(registrar: Database, batch: list[Event]) -> None:
    await hear(registrar, requested())
    await hear(registrar, *batch)
    once = await everything(registrar)
    moves = await rows(registrar, "select * from history where note = ''")
    await hear(registrar, *batch)
    again = await everything(registrar)
    assert (again[0], again[2]) == (once[0], once[2])
    assert await rows(registrar, "select * from history where note = ''") == moves
    await hear(registrar, *batch)
    assert await everything(registrar) == again


async def test_a_batch_that_fails_leaves_nothing(registrar: Database) -> None:
    before = await everything(registrar)

    async def fail_after_all_was_written() -> None:
        async with registrar.transaction() as tx:
            await hear_in(tx, requested())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_all_was_written()
    assert await everything(registrar) == before


async def test_what_can_never_be_accepted_is_named_and_the_rest_goes_through(registrar: Database) -> None:
    await hear(registrar, account_updated("k@x.vn"))
    reuse = requested(**OTHER_PARTNER)
    assert await hear(registrar, requested(), reuse, requested(TWO, customer_email="k@x.vn")) == [
        (reuse, "registration_id_reused")
    ]
    assert await hear(registrar, vng_approved(THREE), vng_approved()) == [(vng_approved(THREE), "unknown_registration")]
    assert await statuses(registrar) == {ONE: "approved", TWO: "awaiting_confirmation"}


async def test_of_two_that_request_an_account_at_once_one_is_opened_and_the_other_refused(registrar: Database) -> None:
    async with held_open(registrar) as (tx, until_another_waits):
        await hear_in(tx, requested(ONE))
        second = asyncio.create_task(hear(registrar, requested(TWO, **OTHER_PARTNER)))
        await until_another_waits()
    await second
    assert await statuses(registrar) == {ONE: "awaiting_confirmation", TWO: "refused"}
    assert await rows(registrar, "select codes from registrations where status = 'refused'") == [
        (["already_registered"],)
    ]
    assert await told(registrar) == ["RegistrationOpened", "RegistrationClosed"]


async def test_the_open_limit_holds_for_requests_at_once(registrar: Database) -> None:
    emails = [f"k{n}@x.vn" for n in range(LIMIT + 2)]
    await hear(registrar, *map(account_updated, emails))
    await asyncio.gather(
        *(hear(registrar, requested(UUID(int=n), customer_email=email)) for n, email in enumerate(emails))
    )
    assert Counter((await statuses(registrar)).values()) == {"awaiting_confirmation": LIMIT, "refused": 2}


async def test_the_same_new_request_in_two_batches_at_once_opens_once(registrar: Database) -> None:
    async with held_open(registrar) as (tx, until_another_waits):
        await hear_in(tx, requested())
        second = asyncio.create_task(hear(registrar, requested()))
        await until_another_waits()
    await second
    assert await told(registrar) == ["RegistrationOpened"]
    assert await statuses(registrar) == {ONE: "awaiting_confirmation"}


async def test_of_two_facts_that_conflict_at_once_one_ends_it(registrar: Database) -> None:
    await hear(registrar, requested())
    async with held_open(registrar) as (tx, until_another_waits):
        await hear_in(tx, declined())
        second = asyncio.create_task(hear(registrar, vng_approved()))
        await until_another_waits()
    await second
    assert await statuses(registrar) == {ONE: "declined"}
    assert await told(registrar) == ["RegistrationOpened", "RegistrationClosed"]


async def test_a_withdrawal_read_before_its_request_is_kept_until_it_and_then_forgotten(registrar: Database) -> None:
    await hear(registrar, withdrawn(), withdrawn(partner_id="p-2"), withdrawn(TWO))
    assert await told(registrar) == []
    await hear(registrar, requested())
    assert await statuses(registrar) == {ONE: "withdrawn"}
    assert await told(registrar) == ["RegistrationClosed"]
    assert await rows(registrar, "select registration_id from early_withdrawals") == [(TWO,)]


@pytest.mark.parametrize("request_first", [True, False])
async def test_a_request_and_its_withdrawal_at_once_end_withdrawn(registrar: Database, request_first: bool) -> None:
    facts = [requested(), withdrawn()]
    first, second = facts if request_first else reversed(facts)
    async with held_open(registrar) as (tx, until_another_waits):
        await hear_in(tx, first)
        late = asyncio.create_task(hear(registrar, second))
        await until_another_waits()
    await late
    assert await statuses(registrar) == {ONE: "withdrawn"}
    assert await rows(registrar, "select * from early_withdrawals") == []


async def test_an_account_that_changes_while_it_is_requested_is_decided_on_one_of_both(registrar: Database) -> None:
    async with held_open(registrar) as (tx, until_another_waits):
        await hear_in(tx, account_updated(version=2, in_poc=True))
        second = asyncio.create_task(hear(registrar, requested()))
        await until_another_waits()
    await second
    assert await rows(registrar, "select codes from registrations") == [(["in_poc"],)]


async def test_an_approval_names_the_account_that_stands_at_the_address_now(registrar: Database) -> None:
    await hear(registrar, requested())
    await hear(registrar, account_updated(version=2, account_id="account-2", locale=Locale.EN))
    await hear(registrar, vng_approved())
    [(payload,)] = await rows(registrar, "select payload from outbox where type = 'RegistrationApproved'")
    approved = RegistrationApproved.model_validate_json(payload)
    assert (approved.account_id, approved.locale) == ("account-2", Locale.EN)
    async with registrar.transaction() as tx:
        stored = await store.get(tx, ONE)
    assert stored and (stored.account_id, stored.locale) == ("account-2", Locale.EN)


async def test_an_account_deleted_meanwhile_leaves_the_approval_the_one_that_was_requested(registrar: Database) -> None:
    await hear(registrar, requested())
    await hear(registrar, AccountDeleted(CUSTOMER))
    await hear(registrar, vng_approved())
    assert await rows(registrar, "select account_id from registrations") == [(f"account of {CUSTOMER}",)]


async def test_crossing_batches_never_deadlock_and_keep_limit_and_holder(registrar: Database) -> None:
    """Twenty batches over the same partners and accounts, each in another order, with facts and accounts in between."""
    chance = random.Random(17)
    emails = [f"k{n}@x.vn" for n in range(8)]
    await hear(registrar, *map(account_updated, emails))

    def batch(n: int) -> list[RegistrationRequested]:
        pairs = [(email, partner) for email in emails for partner in ("p-1", "p-2", "p-3")]
        chance.shuffle(pairs)
        return [
            requested(UUID(int=1000 * n + m), customer_email=email, partner_id=partner)
            for m, (email, partner) in enumerate(pairs)
        ]

    async def confirm_and_approve(n: int) -> None:
        known = sorted(await statuses(registrar), key=lambda _: chance.random())
        kind = (confirmed, vng_approved)[n % 2]
        if known:
            await hear(registrar, *(kind(it) for it in known))

    async def change_accounts(n: int) -> None:
        await hear(registrar, *(account_updated(email, version=n + 2) for email in chance.sample(emails, 5)))

    await asyncio.gather(
        *(hear(registrar, *batch(n)) for n in range(20)),
        *(confirm_and_approve(n) for n in range(10)),
        *(change_accounts(n) for n in range(10)),
    )
    held = await rows(
        registrar,
        "select customer_email, count(*) from registrations where status in "
        "('awaiting_confirmation', 'awaiting_approval', 'approved') group by 1",
    )
    assert dict(held) == dict.fromkeys(emails, 1)
    most_open = """
        select max(c) from (select count(*) c from registrations
        where status in ('awaiting_confirmation', 'awaiting_approval') group by partner_id) counts
    """
    [(most,)] = await rows(registrar, most_open)
    assert (most or 0) <= LIMIT
    assert (await rows(registrar, "select count(*) from registrations"))[0][0] == 20 * 24
    assert Counter(await told(registrar))["RegistrationOpened"] == 8


async def test_the_index_refuses_a_second_holder_whatever_the_code_decides(registrar: Database) -> None:
    await hear(registrar, requested(ONE))
    async with registrar.transaction() as tx:
        it = await store.get(tx, ONE)
    assert it
    twin = Decided(new={TWO: it._replace(registration_id=TWO)})
    with pytest.raises(UniqueViolationError):
        async with registrar.transaction() as tx:
            await store.save(tx, twin)


async def test_a_decline_counts_within_the_cooldown_and_no_longer(registrar: Database, clock: MovableClock) -> None:
    await hear(registrar, requested(ONE))
    await hear(registrar, declined(ONE))
    clock.now = NOW + 30 * DAY - timedelta(seconds=1)
    await hear(registrar, requested(TWO))
    assert await rows(registrar, "select codes from registrations where status = 'refused'") == [
        (["declined_recently"],)
    ]
    clock.now = NOW + 30 * DAY
    await hear(registrar, requested(THREE))
    assert (await statuses(registrar))[THREE] == "awaiting_confirmation"


async def test_withdrawals_count_within_the_cooldown_and_no_longer(registrar: Database, clock: MovableClock) -> None:
    early, *others = (UUID(int=n) for n in range(6))
    await hear(registrar, withdrawn(early))  # its customer is never asked
    await hear(registrar, requested(early))
    for it in others:
        await hear(registrar, requested(it))
        assert (await statuses(registrar))[it] == "awaiting_confirmation"
        await hear(registrar, withdrawn(it))
    clock.now = NOW + 7 * DAY - timedelta(seconds=1)
    await hear(registrar, requested(TWO))
    assert await rows(registrar, "select codes from registrations where status = 'refused'") == [
        (["withdrawn_too_often"],)
    ]
    clock.now = NOW + 7 * DAY
    await hear(registrar, requested(THREE))
    assert (await statuses(registrar))[THREE] == "awaiting_confirmation"


async def test_the_newest_facts_of_an_account_are_kept_in_any_order_and_a_deleted_one_is_gone(
    registrar: Database,
) -> None:
    await hear(registrar, account_updated(version=9), account_updated(version=4, in_poc=True))
    await hear(registrar, account_updated(version=8, in_poc=True))
    assert await rows(registrar, "select version, in_poc, deleted from accounts") == [(9, False, False)]
    await hear(registrar, AccountDeleted(CUSTOMER), AccountDeleted("unknown@x.vn"))
    await hear(registrar, account_updated(version=9))
    assert await rows(registrar, "select version, deleted from accounts") == [(9, True)]
    await hear(registrar, requested(ONE))
    await hear(registrar, account_updated(version=10))
    await hear(registrar, requested(TWO))
    assert await statuses(registrar) == {ONE: "refused", TWO: "awaiting_confirmation"}


async def test_the_largest_batch_goes_through_at_once(registrar: Database) -> None:
    emails = [f"k{n}@x.vn" for n in range(1000)]
    await hear(registrar, *map(account_updated, emails))
    wide = handlers(Policy(1000, timedelta(days=30), CurrentCustomers.SKIP))
    requests = [requested(UUID(int=n), customer_email=email) for n, email in enumerate(emails)]
    await hear(registrar, *requests, handlers=wide)
    await hear(registrar, *(confirmed(it.registration_id, customer_email=it.customer_email) for it in requests))
    await hear(registrar, *(vng_approved(it.registration_id) for it in requests))
    assert set((await statuses(registrar)).values()) == {"approved"}
    assert Counter(await told(registrar)) == {"RegistrationOpened": 1000, "RegistrationApproved": 1000}
