"""New rows of a transaction: written together and in their order, and seen by what it reads next."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest
from asyncpg import UniqueViolationError
from sqlalchemy import func, select

from services.registrar.domain import EarlyWithdrawal
from services.registrar.store import early_withdrawals
from shared.database import Database
from shared.history import Entry
from shared.inserting import FEW
from shared.stores import append_history, history, history_of
from tests.domain.facts import NOW, ONE
from tests.services.conftest import Open, held_open, rows

OPENED = Entry(ONE, 1, None, "pending", "Opened", "", "hoa@vng.example", None, NOW)
EARLY = EarlyWithdrawal(ONE, "p-1")


@pytest.fixture
async def registrar(open_database: Open) -> Database:
    return await open_database("registrar")


@pytest.mark.parametrize("count", [1, FEW, FEW + 1])
async def test_many_rows_or_few_are_inserted_as_they_are(registrar: Database, count: int) -> None:
    """In one statement or by COPY."""
    entries = [OPENED._replace(version=number, reason=f"{number}, 'quoted'") for number in range(count)]
    withdrawn = [replace(EARLY, registration_id=UUID(int=number)) for number in range(count)]
    async with registrar.transaction() as tx:
        append_history(tx, entries)
        tx.insert(early_withdrawals, withdrawn)
    async with registrar.reading() as looking:
        assert await history_of(looking, ONE) == entries
    found = await rows(registrar, "select registration_id, partner_id from early_withdrawals order by 1")
    assert found == [(it.registration_id, it.partner_id) for it in withdrawn]


async def test_a_transaction_sees_what_it_has_added(registrar: Database) -> None:
    async with registrar.transaction() as tx:
        append_history(tx, [OPENED])
        assert await history_of(tx, ONE) == [OPENED]
        append_history(tx, [OPENED._replace(version=2)])
        assert (await tx.execute(select(func.count()).select_from(history))).scalar() == 2
    assert await rows(registrar, "select count(*) from history") == [(2,)]


async def test_what_was_added_and_seen_is_gone_where_the_transaction_fails(registrar: Database) -> None:
    async def fail() -> None:
        async with registrar.transaction() as tx:
            append_history(tx, [OPENED])
            await history_of(tx, ONE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await rows(registrar, "select count(*) from history") == [(0,)]


async def test_a_key_that_exists_is_an_error_unless_those_that_are_known_may_stay(registrar: Database) -> None:
    async with registrar.transaction() as tx:
        tx.insert(early_withdrawals, [EARLY])
    with pytest.raises(UniqueViolationError):
        async with registrar.transaction() as tx:
            tx.insert(early_withdrawals, [EARLY])
    another = replace(EARLY, partner_id="p-2")
    async with registrar.transaction() as tx:
        tx.insert(early_withdrawals, [EARLY, another], known_stay=True)
    assert await rows(registrar, "select partner_id from early_withdrawals order by 1") == [("p-1",), ("p-2",)]


async def test_who_catches_what_went_wrong_with_new_rows_is_not_told_that_they_were_committed(
    registrar: Database,
) -> None:
    async def look_away() -> None:
        async with registrar.transaction() as tx:
            tx.insert(early_withdrawals, [EARLY, EARLY])
            with suppress(UniqueViolationError):
                await tx.execute(select(1))

    with pytest.raises(UniqueViolationError):
        await look_away()
    assert await rows(registrar, "select count(*) from early_withdrawals") == [(0,)]


async def test_rows_of_one_table_wait_for_those_of_the_table_before(registrar: Database) -> None:
    """Whoever waits for a key of the first holds none of the second yet: no two close a circle."""

    async def both() -> None:
        async with registrar.transaction() as tx:
            tx.insert(early_withdrawals, [EARLY])
            append_history(tx, [OPENED])

    async with held_open(registrar) as (holding, until_another_waits):
        holding.insert(early_withdrawals, [EARLY])
        await holding.execute(select(1))
        waiting = asyncio.create_task(both())
        await until_another_waits()
        async with registrar.transaction() as tx:
            append_history(tx, [OPENED])
    with pytest.raises(UniqueViolationError):
        await waiting
