"""Brings a service's schema to the newest version. Each service has its own schema, scripts and version table.

Alembic runs the scripts in `services/<service>/migrations/versions`; the service's `env.py` is one call to `run_here`.
Two that migrate at once wait for each other.

Services go on working meanwhile. Who wants a lock that stops them, and waits for it behind a long transaction, stops
them for as long as that lasts: so a migration gives up soon, lets the others pass, and tries again.
"""

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import command, context, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.database import role_of, url_for_asyncpg
from shared.messaging.faults import sqlstate
from shared.personal import PURGE, Personal, grants
from shared.retry import Backoff
from shared.versions import SERVICES_FOLDER, Age, age, expected

LONGEST_WAIT_FOR_A_LOCK = 1_000  # milliseconds
RETRIES = 60  # in some three minutes
IN_THE_WAY = {"55P03", "40P01"}  # lock not available; deadlock detected

_LOCK = text("select pg_try_advisory_lock(hashtextextended(:it, 0))")
_WHO_HAS_IT = text(
    """
    select pid from pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = hashtextextended(:it, 0)
    """
)


class Blocked(Exception):
    """Others are in the way, and stay there. In words: what was found, what is expected, what to do."""


def config_for(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SERVICES_FOLDER / service / "migrations").replace("%", "%%"))
    config.attributes["schema"] = service
    return config


def newest(service: str) -> str | None:
    """The version that the service's code expects."""
    return ScriptDirectory.from_config(config_for(service)).get_current_head()


async def migrate(url: str, service: str) -> tuple[str | None, str | None]:
    """The versions before and after. Raises Blocked, OSError or sqlalchemy's DBAPIError.

    One at a time in a process: Alembic's context is global.
    """
    settings = {
        "search_path": service,
        "lock_timeout": f"{LONGEST_WAIT_FOR_A_LOCK}ms",
        "client_connection_check_interval": "5s",  # where we are gone, a statement that waits keeps our lock no longer
    }
    engine = create_async_engine(url_for_asyncpg(url), connect_args={"server_settings": settings, "timeout": 10})
    try:
        async with engine.connect() as connection:
            await _alone(connection, service)
            before = await connection.run_sync(version, service)
            if age(service, before) is Age.NEWER:  # a newer program has migrated it, and this one can serve on it
                return before, before
            await _upgrade(connection, service)
            return before, await connection.run_sync(version, service)
    finally:
        await engine.dispose()


async def _alone(connection: AsyncConnection, service: str) -> None:
    """Returns once nobody else migrates, and keeps others from it until the connection is closed. Asks again and again:
    an index that is created while others write waits for everybody who waits within the database. Raises Blocked."""
    backoff, key = Backoff(), {"it": f"migrate {service}"}
    while not (await connection.execute(_LOCK, key)).scalar():
        if backoff.tries == RETRIES:
            pid = (await connection.execute(_WHO_HAS_IT, key)).scalar()
            raise Blocked(
                f"somebody else migrates them, in PostgreSQL's process {pid}; expected it to end within minutes, or in "
                "hours where it builds an index of a large table; see pg_stat_activity, and run this again"
            )
        await connection.rollback()
        await asyncio.sleep(backoff.next())
    await connection.commit()


async def _upgrade(connection: AsyncConnection, service: str) -> None:
    """Each migration in a transaction of its own. Raises Blocked where one is tried RETRIES times again in vain."""
    backoff, reached = Backoff(), None
    while True:
        try:
            await connection.rollback()
            await connection.run_sync(_upgrade_now, service)
        except DBAPIError as error:
            if sqlstate(error) not in IN_THE_WAY:
                raise
            await connection.rollback()
            if (found := await connection.run_sync(version, service)) != reached:
                reached = found
                backoff.reset()
            if backoff.tries == RETRIES:
                raise Blocked(
                    "a transaction that does not end uses one; expected each to end within minutes, as those of "
                    "services do; find it in pg_stat_activity (the oldest xact_start), end it, and run this again: "
                    "what is done stays"
                ) from error
            await asyncio.sleep(backoff.next())
        else:
            return


def _upgrade_now(connection: Connection, service: str) -> None:
    connection.execute(text(f'create schema if not exists "{service}"'))
    connection.commit()  # else Alembic takes all for a part of our transaction
    config = config_for(service)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _grant(connection: Connection, service: str, personal: Personal) -> None:
    """What the service's role may do: everything with its rows but rewrite history, nothing with its tables. And what
    the role may do that purges."""
    role, purging = role_of(service), role_of(PURGE)
    _make_role(connection, role)
    statements = (
        f"grant usage on schema {service} to {role}",
        f"grant select, insert, update, delete on all tables in schema {service} to {role}",
        f"revoke update, delete on {service}.history from {role}",
        f"revoke insert, update, delete on {service}.alembic_version from {role}",
    )
    _make_role(connection, purging)
    for statement in (*statements, *grants(service, personal, purging)):
        connection.execute(text(statement))


def _make_role(connection: Connection, role: str) -> None:
    """Makes it where it is not there yet, for whoever migrates to take."""
    # Another database of the server may be migrated at the same moment, and has the same roles.
    make = f"""do $$ begin
        if not exists (select from pg_roles where rolname = '{role}') then create role {role} nologin; end if;
    exception when duplicate_object or unique_violation then null; end $$"""
    connection.execute(text(make))
    if not connection.execute(text("select pg_has_role(current_user, :role, 'set')"), {"role": role}).scalar():
        connection.execute(text(f"grant {role} to current_user"))


def version(connection: Connection, service: str) -> str | None:
    """The version that the schema has, None before the first."""
    return MigrationContext.configure(connection, opts={"version_table_schema": service}).get_current_revision()


def run_here(personal: Personal) -> None:
    """What a service's `env.py` does. The role that purges may blank what is `personal` of these tables."""
    connection, schema = context.config.attributes["connection"], context.config.attributes["schema"]

    def grant_with_the_last(ctx: object, step: MigrationInfo, heads: object, run_args: object) -> None:  # noqa: ARG001
        """In one transaction: tables of the version that services wait for are tables that they may use."""
        if step.up_revision_id == expected(schema):
            _grant(connection, schema, personal)

    context.configure(
        connection=connection,
        version_table_schema=schema,
        transaction_per_migration=True,
        on_version_apply=grant_with_the_last,
    )
    with context.begin_transaction():
        context.run_migrations()
    _grant(connection, schema, personal)  # a role may have been dropped since, as by a restore to another server


def create_index_meanwhile(name: str, table: str, columns: Sequence[str], *, where: str | None = None) -> None:
    """Others write while it is built; it waits for transactions that began before, however long they last. It cannot be
    taken back with its migration, so it is the only step of one. What a try that broke off has left is replaced. Not
    for a unique one: PostgreSQL may hold writers to what such a try has left."""
    condition = text(where) if where else None
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = 0")
        try:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True, postgresql_where=condition)
        finally:
            op.execute(f"set lock_timeout = {LONGEST_WAIT_FOR_A_LOCK}")


def create_messaging_tables() -> None:
    """Outbox, quarantine and history, as each service's first migration makes them. Never edited once released."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("aggregatetype", "aggregateid", "type", "topic", "payload", "headers")
        ),
        sa.Column("occurred_at", moment, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("key", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("quarantined_at", moment, nullable=False),
        sa.Column("produced_at", moment),
        sa.Column("acted_by", sa.Text),
        sa.Column("acted_at", moment),
        sa.Column("remark", sa.Text),
        sa.UniqueConstraint("topic", "partition", "offset"),
        sa.CheckConstraint("state in ('quarantined', 'replayed', 'discarded')", name="state"),
    )
    where = sa.text("state = 'quarantined'")
    op.create_index("quarantine_waiting_idx", "quarantine", ["id"], postgresql_where=where)
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("registration_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status_from", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("status_to", "event", "note", "actor")),
        sa.Column("reason", sa.Text),
        sa.Column("at", moment, nullable=False),
    )
    where = sa.text("note = ''")
    columns = ["registration_id", "version"]
    op.create_index("history_transition_key", "history", columns, unique=True, postgresql_where=where)
    where = sa.text("note <> ''")
    columns = ["registration_id", "event", "note"]
    op.create_index("history_note_key", "history", columns, unique=True, postgresql_where=where)


def create_tries_table() -> None:
    """Bad tries by client, in services that people reach."""
    op.create_table(
        "tries",
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bad", sa.Integer, nullable=False),
    )
    op.create_index("tries_since_idx", "tries", ["since"])


def create_accounts_table() -> None:
    """The newest facts about accounts, in registrar and approver."""
    op.create_table(
        "accounts",
        sa.Column("email", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("account_id", "holder_name", "locale", "billing")),
        sa.Column("credit_balance", sa.BigInteger, nullable=False),
        sa.Column("active_services", sa.Integer, nullable=False),
        sa.Column("active_discounts", sa.Integer, nullable=False),
        sa.Column("in_poc", sa.Boolean, nullable=False),
        sa.Column("vng_customer", sa.Boolean, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )
