"""How a service reaches its schema: connections that may have died meanwhile, looking without a transaction."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared import database as database_module
from tests.faults.disturbances import end_sessions
from tests.services.conftest import Open, rows


async def test_a_connection_that_died_while_it_was_idle_is_replaced_before_it_is_used(
    database_url: str, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "IDLE", 0.0)
    registrar = await open_database("registrar")
    async with registrar.transaction() as one, registrar.transaction() as two:
        await one.execute(text("select 1"))
        await two.execute(text("select 1"))
    await end_sessions(database_url, "application_name = 'registrar'")
    async with registrar.transaction() as tx:
        assert (await tx.execute(text("select 1"))).scalar() == 1


async def test_once_one_connection_is_found_dead_no_other_of_its_age_is_used(
    database_url: str, open_database: Open
) -> None:
    """At once after a restart: the first to meet it fails, and nobody after it."""
    registrar = await open_database("registrar")
    async with registrar.transaction() as one, registrar.transaction() as two:
        await one.execute(text("select 1"))
        await two.execute(text("select 1"))
    await end_sessions(database_url, "application_name = 'registrar'")
    with pytest.raises(DBAPIError) as failed:
        await rows(registrar, "select 1")
    assert failed.value.connection_invalidated, failed.value
    assert await rows(registrar, "select 1") == [(1,)]
