"""The schema that the migrations make is the one that the code declares."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.approver import elsewhere
from services.approver import store as approver
from services.notifier import queue
from services.notifier import store as notifier
from services.portal import store as portal
from services.registrar import store as registrar
from shared import stores
from shared.database import Database, RoleRefused, role_of, url_for_asyncpg
from shared.messaging import outbox, quarantine
from shared.migrations import migrate, newest
from shared.personal import PURGE
from shared.versions import Age, age, expected
from shared.web import tries
from tests.services.conftest import MovableClock, Open, rows

MESSAGING = [outbox.table, quarantine.table, stores.history]
TABLES: dict[str, list[Table]] = {
    "registrar": [*MESSAGING, stores.accounts, *registrar.metadata.tables.values()],
    "notifier": [*MESSAGING, tries.table, queue.emails, *notifier.metadata.tables.values()],
    "approver": [*MESSAGING, tries.table, stores.accounts, elsewhere.table, *approver.metadata.tables.values()],
    "portal": [*MESSAGING, tries.table, *portal.metadata.tables.values()],
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


@asynccontextmanager
async def owner(url: str, schema: str) -> AsyncIterator[AsyncEngine]:
    """Whoever migrates: the service's own role may neither make tables nor see all of them."""
    settings = {"search_path": schema}
    engine = create_async_engine(url_for_asyncpg(url), connect_args={"server_settings": settings})
    yield engine
    await engine.dispose()


async def catalog(engine: AsyncEngine) -> list[object]:
    """All that PostgreSQL keeps of a schema: columns, keys and checks, indexes with their conditions."""
    async with engine.connect() as connection:
        found = [(await connection.execute(text(sql))).all() for sql in (COLUMNS, CONSTRAINTS, INDEXES)]
    return [[tuple(row) for row in part] for part in found]


def declared(service: str) -> MetaData:
    together = MetaData()
    for table in TABLES[service]:
        table.to_metadata(together)
    return together


@SERVICES
async def test_the_migrated_schema_is_the_declared_one(
    service: str, database_url: str, empty_database_url: str
) -> None:
    async with owner(database_url, service) as migrated, owner(empty_database_url, service) as made:
        async with made.begin() as connection:
            await connection.exec_driver_sql(f"create schema {service}")
            await connection.run_sync(declared(service).create_all)
        assert await catalog(migrated) == await catalog(made)


@SERVICES
async def test_alembic_finds_nothing_to_migrate(service: str, empty_database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_name": lambda name, kind, _parents: kind != "table" or name != "alembic_version"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared(service)))

    await migrate(empty_database_url, service)
    async with owner(empty_database_url, service) as engine, engine.connect() as connection:
        assert await connection.run_sync(differences) == []


@SERVICES
async def test_migrating_again_changes_nothing(service: str, empty_database_url: str) -> None:
    await migrate(empty_database_url, service)
    async with owner(empty_database_url, service) as engine:
        before = await catalog(engine)
        assert await migrate(empty_database_url, service) == (newest(service), newest(service))
        assert await catalog(engine) == before


@SERVICES
async def test_those_that_migrate_at_once_wait_for_each_other(service: str, empty_database_url: str) -> None:
    answers = await asyncio.gather(*(migrate(empty_database_url, service) for _ in range(4)))
    head = newest(service)
    assert sorted(answers, key=str) == sorted([(None, head), (head, head), (head, head), (head, head)], key=str)


async def test_an_older_program_leaves_newer_tables_as_they_are(database_url: str) -> None:
    async with owner(database_url, "portal") as engine, engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9000'"))
    assert await migrate(database_url, "portal") == ("9000", "9000")


@SERVICES
def test_a_version_is_the_number_that_its_files_name_begins_with(service: str) -> None:
    assert newest(service) == expected(service)


@pytest.mark.parametrize(
    ("found", "is_"), [(None, Age.NONE), ("0001", Age.OLDER), ("0002", Age.EXPECTED), ("0010", Age.NEWER)]
)
def test_versions_are_in_the_order_of_their_numbers(found: str | None, is_: Age) -> None:
    assert age("portal", found) is is_


async def test_a_service_sees_no_table_of_another(open_database: Open) -> None:
    first = await open_database("registrar")
    assert await rows(first, "select to_regclass('confirmations') is null") == [(True,)]


FORBIDDEN = {
    "rewrite history": "update history set actor = 'nobody'",
    "forget history": "delete from history",
    "empty history": "truncate history",
    "free itself of the rules": "alter table history disable trigger all",
    "pretend to be migrated": "update alembic_version set version_num = '9999'",
    "make tables": "create table more (id int)",
}


@SERVICES
@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=list(FORBIDDEN))
async def test_a_service_may_not(statement: str, service: str, open_database: Open) -> None:
    database = await open_database(service)
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with database.engine.begin() as connection:
            await connection.execute(text(statement))


@SERVICES
async def test_a_service_reads_no_table_of_another_by_name(service: str, open_database: Open) -> None:
    other = "portal" if service != "portal" else "registrar"
    database = await open_database(service)
    with pytest.raises(DBAPIError, match="permission denied for schema"):
        await rows(database, f"select * from {other}.history")


def login(url: str, name: str) -> str:
    """The address of the same database for another login."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:secret@{parts.hostname}:{parts.port}").geturl()


async def test_a_login_without_the_services_role_is_refused_by_name_and_one_with_it_is_served(
    database_url: str, clock: MovableClock
) -> None:
    async with owner(database_url, "registrar") as engine, engine.begin() as connection:
        await connection.execute(text("drop role if exists plain"))
        await connection.execute(text("create role plain login password 'secret'"))
        plain = Database(login(database_url, "plain"), "registrar", clock)
        await connection.commit()
        with pytest.raises(RoleRefused):
            await plain.schema_version()
        async with engine.begin() as granting:
            await granting.execute(text(f"grant {role_of('registrar')} to plain"))
        assert await plain.schema_version() == newest("registrar")
        await plain.close()


async def test_a_login_that_is_no_superuser_can_migrate_and_serve(empty_database_url: str, clock: MovableClock) -> None:
    async with owner(empty_database_url, "registrar") as engine, engine.begin() as connection:
        name = (await connection.execute(text("select current_database()"))).scalar()
        await connection.execute(text("drop role if exists humble"))
        await connection.execute(text("create role humble login createrole password 'secret'"))
        await connection.execute(text(f"grant create on database {name} to humble"))
        for service in (*TABLES, PURGE):  # as in a cluster where an administrator has made them for another database
            await connection.execute(
                text(f"do $$ begin create role {role_of(service)}; exception when duplicate_object then null; end $$")
            )
            await connection.execute(text(f"grant {role_of(service)} to humble with admin option"))
    url = login(empty_database_url, "humble")
    for service in TABLES:
        await migrate(url, service)
        await migrate(url, service)
        database = Database(url, service, clock)
        assert await database.schema_version() == newest(service)
        await database.close()
