"""A real PostgreSQL for the services' stores, without the other servers: a database of its own for each test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import pytest
from sqlalchemy import text

from shared.database import Database, Transaction
from tests.domain.facts import NOW

T = TypeVar("T")
PATIENCE = 30.0


class MovableClock:
    """Answers what the test says."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


Open = Callable[[str], Awaitable[Database]]


@pytest.fixture
async def open_database(database_url: str, clock: MovableClock) -> AsyncIterator[Open]:
    """Opens a service's schema."""
    opened: list[Database] = []

    async def open_one(service: str) -> Database:
        opened.append(Database(database_url, service, clock, pool_size=20))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


async def rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    async with database.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(sql))).all()]


async def told(database: Database) -> list[str]:
    """What the outbox owes to Kafka, in order: the types."""
    return [row[0] for row in await rows(database, "select type from outbox order by position")]


async def eventually(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """What `look` finds, once it is as expected; fails with what it is after PATIENCE seconds. For facts that another
    task or process brings about."""
    found: T | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await look()
                if holds(found):
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"after {PATIENCE:.0f} s it was still {found!r}")


@asynccontextmanager
async def held_open(database: Database) -> AsyncIterator[tuple[Transaction, Callable[[], Awaitable[None]]]]:
    """A transaction and a wait until another one waits for its locks: two at once, without chance."""

    async def until_another_waits() -> None:
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        onlooker = await asyncpg.connect(url)  # under its own role a service does not see what others wait for
        try:
            await eventually(lambda: onlooker.fetchval(waiting), lambda found: found > 0)
        finally:
            await onlooker.close()

    async with database.transaction() as tx:
        yield tx, until_another_waits
