"""A migration runs while the release before serves: it stops nobody for long, and takes nothing away that somebody
uses; only a later one contracts."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from commands.failures import Failed
from commands.migrate import migrate_all
from shared import migrations, versions
from shared.database import url_for_asyncpg
from shared.migrations import Blocked, migrate
from shared.settings import DatabaseSettings
from shared.topics import SERVICES

FIRST_RELEASE = {"portal": "0002", "registrar": "0001", "notifier": "0001", "approver": "0002"}
"""The newest migration of each service in 0.1.0: nothing served before these."""
SCRIPT = """
import sqlalchemy as sa
from alembic import op
from shared.migrations import create_index_meanwhile

revision = "{revision}"
down_revision = "{newest}"


def upgrade() -> None:
    {step}
"""
ADDS = 'op.add_column("cases", sa.Column("mark", sa.Text, nullable=True))'
INDEXES = 'create_index_meanwhile("cases_mark_idx", "cases", ["partner_name"])'

COLUMNS = """
    select table_name || '.' || column_name, udt_name, is_nullable = 'NO',
           column_default is not null or is_identity = 'YES' or is_generated = 'ALWAYS'
    from information_schema.columns where table_schema = current_schema and table_name <> 'alembic_version'
"""
FILES = """
    select relname, pg_relation_filenode(oid) from pg_class
    where relnamespace = current_schema::regnamespace and relkind = 'r'
"""
STOPPED = """
    select relation::regclass::text from pg_locks where pid = pg_backend_pid() and locktype = 'relation'
    and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
READ = "select relname from pg_stat_xact_user_tables where schemaname = current_schema and seq_scan > 0"
WAITING = "select count(*) from pg_locks where not granted and relation = 'cases'::regclass"
BUILDING = "select count(*) from pg_stat_progress_create_index"
UNIQUE = """
    select indrelid::regclass || ': unique ' || replace(pg_get_indexdef(indexrelid), current_schema || '.', '')
    from pg_index join pg_class on pg_class.oid = indrelid
    where relnamespace = current_schema::regnamespace and indisunique and relname <> 'alembic_version'
"""


TAKEN, CHANGED, EMPTY = "taken away", "not what it was", "filled by nobody"
STOPS = "rewritten or read whole while nobody can write"
TOGETHER = "locked together: one migration a table, else the first waits for the lock of the second"


class Migrations:
    """The project's, in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "services"
        for service in SERVICES:
            shutil.copytree(
                versions.SERVICES_FOLDER / service / "migrations",
                self.folder / service / "migrations",
                ignore=shutil.ignore_patterns("__pycache__"),
            )

    def scripts(self, service: str) -> Path:
        return self.folder / service / "migrations" / "versions"

    def add(self, service: str, step: str, revision: str = "9000") -> None:
        source = SCRIPT.format(revision=revision, newest=versions.expected(service), step=step)
        (self.scripts(service) / f"{revision}_added.py").write_text(source, encoding="utf-8")

    @contextmanager
    def only_of_the_first_release(self, service: str) -> Iterator[None]:
        kept = self.folder.parent / "later"
        kept.mkdir()
        later = [it for it in self.scripts(service).glob("[0-9]*.py") if it.stem[:4] > FIRST_RELEASE[service]]
        for it in later:
            it.rename(kept / it.name)
        yield
        for it in later:
            (kept / it.name).rename(it)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migrations:
    made = Migrations(tmp_path)
    monkeypatch.setattr(versions, "SERVICES_FOLDER", made.folder)
    monkeypatch.setattr(migrations, "SERVICES_FOLDER", made.folder)
    return made


@asynccontextmanager
async def connected(url: str, service: str = "approver") -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        url_for_asyncpg(url), connect_args={"server_settings": {"search_path": service}}, pool_size=1
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def until_seen(connection: AsyncConnection, count: str) -> None:
    async with asyncio.timeout(60):
        while not (await connection.execute(text(count))).scalar():
            await connection.commit()
            await asyncio.sleep(0)
        await connection.commit()


async def write(connection: AsyncConnection) -> None:
    await connection.execute(text("update cases set partner_name = partner_name"))
    await connection.commit()


@pytest.mark.parametrize(("step", "waits"), [(ADDS, WAITING), (INDEXES, BUILDING)], ids=["a column", "an index"])
async def test_who_writes_gets_through_while_a_migration_waits_for_a_long_transaction(
    step: str, waits: str, database_url: str, scripts: Migrations
) -> None:
    newest = versions.expected("approver")
    scripts.add("approver", step)
    async with connected(database_url) as long, connected(database_url) as writer:
        await long.execute(text("update cases set partner_name = partner_name"))
        migrating = asyncio.create_task(migrate(database_url, "approver"))
        await until_seen(writer, waits)
        async with asyncio.timeout(30):
            await write(writer)
        assert not migrating.done()
        await long.commit()
        assert await migrating == (newest, "9000")
        await write(writer)


async def test_a_migration_that_never_gets_its_lock_says_so_and_what_is_done_stays(
    database_url: str, scripts: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "RETRIES", 1)
    scripts.add("approver", 'op.create_table("marks", sa.Column("id", sa.Uuid, primary_key=True))')
    scripts.add("approver", ADDS, "9001")
    async with connected(database_url) as long:
        await long.execute(text("select from cases"))
        with pytest.raises(Failed, match="approver's tables could not be migrated: a transaction that does not end"):
            await migrate_all(DatabaseSettings(database_url=SecretStr(database_url)))
    assert await migrate(database_url, "approver") == ("9000", "9001")


async def test_who_waits_in_vain_for_another_that_migrates_is_told_where_it_is(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "RETRIES", 1)
    async with connected(database_url) as other:
        await other.execute(text("select pg_advisory_lock(hashtextextended('migrate portal', 0))"))
        pid = (await other.execute(text("select pg_backend_pid()"))).scalar()
        with pytest.raises(Blocked, match=f"in PostgreSQL's process {pid};"):
            await migrate(database_url, "portal")


async def test_tables_of_the_version_that_services_wait_for_are_tables_that_they_may_use(
    database_url: str, scripts: Migrations
) -> None:
    scripts.add("approver", 'op.create_table("marks", sa.Column("id", sa.Uuid, primary_key=True))')
    may = text("select has_table_privilege('registration_approver', 'approver.marks', 'insert')")
    seen: list[object] = []

    def look(connection: Connection) -> None:
        if migrations.version(connection, "approver") == "9000":
            seen.append(connection.execute(may).scalar())

    event.listen(Engine, "commit", look)
    try:
        await migrate(database_url, "approver")
    finally:
        event.remove(Engine, "commit", look)
    assert seen and all(seen)


async def test_an_index_that_was_broken_off_is_built_anew(database_url: str, scripts: Migrations) -> None:
    scripts.add("approver", INDEXES)
    async with connected(database_url) as connection:
        await connection.execute(text("create index cases_mark_idx on cases (partner_name)"))
        await connection.execute(
            text("update pg_index set indisvalid = false where indexrelid = 'cases_mark_idx'::regclass")
        )
        await connection.commit()
        await migrate(database_url, "approver")
        valid = "select indisvalid from pg_index where indexrelid = 'cases_mark_idx'::regclass"
        assert (await connection.execute(text(valid))).scalar() is True


@dataclass
class Seen:
    """What the migrations of a service did to tables that were there before."""

    columns: dict[str, tuple[str, bool, bool]] = field(default_factory=dict)
    unique: set[str] = field(default_factory=set)
    files: dict[str, int] = field(default_factory=dict)
    problems: set[str] = field(default_factory=set)

    def before(self, connection: Connection) -> None:
        self.columns, self.files, self.unique = _columns(connection), _files(connection), _unique(connection)

    def at_commit(self, connection: Connection) -> None:
        """Before it: the transaction still holds its locks."""
        files = _files(connection)
        stopped = set(connection.execute(text(STOPPED)).scalars()) & self.files.keys()
        read = set(connection.execute(text(READ)).scalars())
        rewritten = {table for table in stopped if files.get(table) != self.files[table]}
        self.problems |= {f"{it}: {STOPS}" for it in stopped & (read | rewritten)}
        if len(stopped) > 1:
            self.problems.add(f"{', '.join(sorted(stopped))}: {TOGETHER}")
        connection.execute(text("select pg_stat_force_next_flush()"))  # what was read is of this transaction alone

    def after(self, connection: Connection) -> None:
        found = _columns(connection)
        for name, (kind, required, filled) in self.columns.items():
            if name not in found:
                self.problems.add(f"{name}: {TAKEN}")
            elif found[name][0] != kind or (found[name][1] and not required) or (filled and not found[name][2]):
                self.problems.add(f"{name}: {CHANGED}")
        for name in found.keys() - self.columns.keys():
            _kind, required, filled = found[name]
            if name.partition(".")[0] in self.files and required and not filled:
                self.problems.add(f"{name}: {EMPTY}")
        self.problems |= {f"{it}: {TAKEN}" for it in self.unique - _unique(connection)}


def _columns(connection: Connection) -> dict[str, tuple[str, bool, bool]]:
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(text(COLUMNS))}


def _unique(connection: Connection) -> set[str]:
    return set(connection.execute(text(UNIQUE)).scalars())


def _files(connection: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(text(FILES)) if row[0] != "alembic_version"}


async def problems(service: str, url: str, scripts: Migrations) -> set[str]:
    """Of the migrations after the first release."""
    with scripts.only_of_the_first_release(service):
        await migrate(url, service)
    seen = Seen()
    async with connected(url, service) as connection:
        await connection.run_sync(seen.before)
        await connection.rollback()
        event.listen(Engine, "commit", seen.at_commit)
        try:
            await migrate(url, service)
        finally:
            event.remove(Engine, "commit", seen.at_commit)
        await connection.run_sync(seen.after)
    return seen.problems


@pytest.mark.parametrize("service", SERVICES)
async def test_no_migration_after_the_first_release_stops_or_takes_away_what_the_release_before_needs(
    service: str, empty_database_url: str, scripts: Migrations
) -> None:
    assert await problems(service, empty_database_url, scripts) == set()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('op.drop_column("cases", "partner_name")', {f"cases.partner_name: {TAKEN}"}),
        (
            'op.alter_column("cases", "partner_name", new_column_name="x")',
            {f"cases.partner_name: {TAKEN}", f"cases.x: {EMPTY}"},
        ),
        ('op.alter_column("cases", "claimed_by", nullable=False)', {f"cases.claimed_by: {CHANGED}", f"cases: {STOPS}"}),
        ('op.execute("alter table cases alter version type bigint")', {f"cases.version: {CHANGED}", f"cases: {STOPS}"}),
        ('op.add_column("cases", sa.Column("x", sa.Text, nullable=False))', {f"cases.x: {EMPTY}", f"cases: {STOPS}"}),
        ('op.create_index("x", "cases", ["partner_name"])', {f"cases: {STOPS}"}),
        ('op.create_check_constraint("x", "cases", "version > 0")', {f"cases: {STOPS}"}),
        (
            'op.drop_constraint("accounts_pkey", "accounts")',
            {f"accounts: unique CREATE UNIQUE INDEX accounts_pkey ON accounts USING btree (email): {TAKEN}"},
        ),
        ('op.execute("alter table history alter id drop identity")', {f"history.id: {CHANGED}"}),
        (f"{ADDS}; {ADDS.replace('cases', 'tries')}", {f"cases, tries: {TOGETHER}"}),
    ],
    ids=[
        "drop",
        "rename",
        "not null",
        "another type",
        "required",
        "an index",
        "a check",
        "a key",
        "a default",
        "two tables",
    ],
)
async def test_what_the_release_before_cannot_live_with_is_told(
    step: str, told: set[str], empty_database_url: str, scripts: Migrations
) -> None:
    scripts.add("approver", step)
    assert await problems("approver", empty_database_url, scripts) == told


@pytest.mark.parametrize(
    "step",
    [
        ADDS,
        'op.add_column("cases", sa.Column("x", sa.Text, nullable=False, server_default=""))',
        'op.execute("alter table cases add constraint x check (version > 0) not valid")',
        'op.create_table("marks", sa.Column("id", sa.Uuid, primary_key=True))',
        INDEXES,
    ],
    ids=["nullable", "with a default", "a check of new rows", "a new table", "an index meanwhile"],
)
async def test_what_only_adds_is_fine(step: str, empty_database_url: str, scripts: Migrations) -> None:
    scripts.add("approver", step)
    assert await problems("approver", empty_database_url, scripts) == set()
