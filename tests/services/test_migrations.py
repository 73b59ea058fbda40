"""The schema that the migrations make is the one that the code declares."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table

from services.approver import store as approver
from services.notifier import queue
from services.notifier import store as notifier
from services.portal import store as portal
from services.registrar import store as registrar
from shared import stores
from shared.database import Database
from shared.messaging import outbox, quarantine
from shared.migrations import migrate, newest
from tests.services.conftest import MovableClock, Open, rows

MESSAGING = [outbox.table, quarantine.table, stores.history]
TABLES: dict[str, list[Table]] = {
    "registrar": [*MESSAGING, stores.accounts, *registrar.metadata.tables.values()],
    "notifier": [*MESSAGING, queue.emails, *notifier.metadata.tables.values()],
    "approver": [*MESSAGING, stores.accounts, *approver.metadata.tables.values()],
    "portal": [*MESSAGING, *portal.metadata.tables.values()],
}
SERVICES = pytest.mark.parametrize("service", list(TABLES))

COLUMNS = """
    select table_name, column_name, data_type, udt_name, is_nullable, column_default, is_identity, identity_generation
    from information_schema.columns
    where table_schema = current_schema and table_name <> 'alembic_version' order by 1, 2
"""
CONSTRAINTS = """
    select conrelid::regclass::text, contype::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = current_schema::regnamespace and conrelid::regclass::text <> 'alembic_version' order by 1, 2, 3
"""
INDEXES = """
    select tablename, indexname, replace(indexdef, current_schema || '.', '') from pg_indexes
    where schemaname = current_schema and tablename <> 'alembic_version' order by 1, 2
"""


async def catalog(database: Database) -> list[object]:
    """All that PostgreSQL keeps of a schema: columns, keys and checks, indexes with their conditions."""
    return [await rows(database, sql) for sql in (COLUMNS, CONSTRAINTS, INDEXES)]


def declared(service: str) -> MetaData:
    together = MetaData()
    for table in TABLES[service]:
        table.to_metadata(together)
    return together


@SERVICES
async def test_the_migrated_schema_is_the_declared_one(
    service: str, open_database: Open, other_database_url: str, clock: MovableClock
) -> None:
    migrated = await open_database(service)
    made = Database(other_database_url, service, clock)
    try:
        async with made.engine.begin() as connection:
            await connection.exec_driver_sql(f"create schema {service}")
            await connection.run_sync(declared(service).create_all)
        assert await catalog(migrated) == await catalog(made)
    finally:
        await made.close()


@SERVICES
async def test_alembic_finds_nothing_to_migrate(service: str, open_database: Open) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_name": lambda name, kind, _parents: kind != "table" or name != "alembic_version"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared(service)))

    database = await open_database(service)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


@SERVICES
async def test_migrating_again_changes_nothing(service: str, open_database: Open, database_url: str) -> None:
    database = await open_database(service)
    before = await catalog(database)
    assert await migrate(database_url, service) == (newest(service), newest(service))
    assert await catalog(database) == before


@SERVICES
async def test_those_that_migrate_at_once_wait_for_each_other(service: str, database_url: str) -> None:
    answers = await asyncio.gather(*(migrate(database_url, service) for _ in range(4)))
    head = newest(service)
    assert sorted(answers, key=str) == sorted([(None, head), (head, head), (head, head), (head, head)], key=str)


async def test_a_service_sees_no_table_of_another(open_database: Open, database_url: str) -> None:
    first = await open_database("registrar")
    await migrate(database_url, "notifier")
    assert await rows(first, "select to_regclass('confirmations') is null") == [(True,)]
