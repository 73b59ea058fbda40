"""The scheduler on a real PostgreSQL: what is due is acted on once, in order, whoever else is at it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.database import Database, Transaction, role_of
from shared.scheduler import AT_ONCE, Deadline, Scheduler
from tests.domain.facts import NOW
from tests.services.conftest import MovableClock, Open, eventually, held_open, rows

COUNT = 2 * AT_ONCE + 7

_CLAIM = text(
    "update alarm set rung = rung + 1, rung_at = now() where id in (select id from alarm "
    "where rung = 0 and due_at <= :now order by due_at limit :most offset :skip for update skip locked) returning id"
)


async def claim(tx: Transaction, most: int, skip: int) -> set[int]:
    return {row.id for row in await tx.execute(_CLAIM, {"now": tx.now, "most": most, "skip": skip})}


async def ring(tx: Transaction, most: int, skip: int) -> int:
    return len(await claim(tx, most, skip))


RING = Deadline("ring", ring)


@pytest.fixture
async def database(open_database: Open, database_url: str) -> Database:
    """Alarms, one each second from NOW."""
    database = await open_database("registrar")
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "create table registrar.alarm (id int primary key, due_at timestamptz, rung int, rung_at timestamptz)"
    )
    await owner.execute(f"grant all on registrar.alarm to {role_of('registrar')}")
    add = "insert into registrar.alarm select n, $1::timestamptz + n * interval '1 s', 0 from generate_series(1, $2) n"
    await owner.execute(add, NOW, COUNT)
    await owner.close()
    return database


@asynccontextmanager
async def running(scheduler: Scheduler) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(scheduler.run(stopping))
    yield
    stopping.set()
    await task


async def rung(database: Database) -> list[tuple[int, int]]:
    return [(row[0], row[1]) for row in await rows(database, "select rung, count(*) from alarm group by 1 order by 1")]


def seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


async def test_only_what_is_due_is_acted_on_and_only_once(database: Database, clock: MovableClock) -> None:
    scheduler = Scheduler(database, [RING])
    clock.now = NOW + seconds(3)
    assert await scheduler.catch_up(asyncio.Event())
    assert await scheduler.catch_up(asyncio.Event())
    assert await rung(database) == [(0, COUNT - 3), (1, 3)]


async def test_what_was_missed_is_caught_up_in_order_in_short_transactions(
    database: Database, clock: MovableClock
) -> None:
    sizes: list[int] = []

    async def act(tx: Transaction, most: int, skip: int) -> int:
        sizes.append(await ring(tx, most, skip))
        return sizes[-1]

    clock.now = NOW + seconds(10 * COUNT)
    await Scheduler(database, [Deadline("ring", act)]).catch_up(asyncio.Event())
    assert sizes == [AT_ONCE, AT_ONCE, 7]
    out_of_order = "select count(*) from alarm a join alarm b on b.due_at > a.due_at and b.rung_at < a.rung_at"
    assert await rows(database, out_of_order) == [(0,)]


async def test_schedulers_at_once_share_the_work_and_wait_for_nobody(database: Database, clock: MovableClock) -> None:
    clock.now = NOW + seconds(10)
    async with held_open(database) as (tx, _until_another_waits):
        assert await ring(tx, 4, 0) == 4
        assert await Scheduler(database, [RING]).catch_up(asyncio.Event())
        assert await rung(database) == [(0, COUNT - 6), (1, 6)]  # the four are still the other's
    assert await rung(database) == [(0, COUNT - 10), (1, 10)]


async def test_a_deadline_that_fails_is_told_and_keeps_no_other_from_its_turn(
    database: Database, clock: MovableClock
) -> None:
    async def fail(_tx: Transaction, _most: int, _skip: int) -> int:
        raise ZeroDivisionError

    scheduler = Scheduler(database, [Deadline("expiry", fail), RING])
    clock.now = NOW + seconds(3)
    async with running(scheduler):
        await eventually(lambda: rung(database), lambda found: found[-1] == (1, 3))
        assert scheduler.trouble == "deadlines wait: expiry: ZeroDivisionError"


async def test_a_deadline_acts_again_by_itself_once_its_trouble_is_over(
    database: Database, clock: MovableClock
) -> None:
    broken = True

    async def act(tx: Transaction, most: int, skip: int) -> int:
        if broken:
            raise ZeroDivisionError
        return await ring(tx, most, skip)

    scheduler = Scheduler(database, [Deadline("ring", act)])
    clock.now = NOW + seconds(3)
    with capture_logs() as lines:
        async with running(scheduler):
            await eventually(_trouble(scheduler), lambda trouble: trouble is not None)
            broken = False
            await eventually(lambda: rung(database), lambda found: found[-1] == (1, 3))
            await eventually(_trouble(scheduler), lambda trouble: trouble is None)
    assert lines[-1]["event"] == "deadlines go on"


async def test_rows_that_cannot_be_acted_on_hold_up_no_other(database: Database, clock: MovableClock) -> None:
    poison = {1, 2, 150, 400}

    async def act(tx: Transaction, most: int, skip: int) -> int:
        ids = await claim(tx, most, skip)
        if ids & poison:
            raise ZeroDivisionError
        return len(ids)

    scheduler = Scheduler(database, [Deadline("ring", act)])
    clock.now = NOW + seconds(10 * COUNT)
    assert not await scheduler.catch_up(asyncio.Event())
    assert await rung(database) == [(0, len(poison)), (1, COUNT - len(poison))]
    poison.clear()
    assert await scheduler.catch_up(asyncio.Event())
    assert await rung(database) == [(1, COUNT)]


async def test_time_that_moves_while_it_runs_is_noticed(database: Database, clock: MovableClock) -> None:
    async with running(Scheduler(database, [RING])):
        clock.now = NOW + seconds(5)
        await eventually(lambda: rung(database), lambda found: found[-1] == (1, 5))
        clock.now = NOW + seconds(9)
        await eventually(lambda: rung(database), lambda found: found[-1] == (1, 9))


def _trouble(scheduler: Scheduler) -> Callable[[], Awaitable[str | None]]:
    async def look() -> str | None:
        return scheduler.trouble

    return look
