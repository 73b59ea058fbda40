"""Notifier's handlers and its scheduler on a real PostgreSQL."""

from typing import Any

import pytest

from services.notifier import periods, store
from services.notifier.handlers import deadlines, handlers
from shared.database import Database
from tests.domain.notifier import POLICY
from tests.services.conftest import MovableClock, Open

HANDLERS = handlers(POLICY, ["reviews@vng.example"])
[EXPIRE_AND_REMIND] = deadlines(POLICY)


@pytest.fixture
async def notifier_database(open_database: Open) -> Database:
    return await open_database("notifier")


async def hear(database: Database, *batch: Any) -> None:
    async with database.transaction() as tx:
        await HANDLERS[type(batch[0])](list(batch), tx)


async def act(database: Database, clock: MovableClock, most: int = 500) -> int:
    """One turn of the scheduler; answers how many were due."""
    async with database.transaction(clock.now) as tx:
        return await EXPIRE_AND_REMIND.act(tx, most, 0)


async def mail_left(database: Database, *ids: Any) -> None:
    """The mail server accepted the current period's mail of each."""
    async with database.transaction() as tx:
        for it in (await store.lock(tx, ids)).values():
            await store.save(tx, periods.sent(it, it.period, POLICY, tx.now))
