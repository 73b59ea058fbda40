"""Brings a service's schema to the newest version. Each service has its own schema, scripts and version table.

Alembic runs the scripts in `services/<service>/migrations/versions`; the service's `env.py` is one call to `run_here`.
Two that migrate at once wait for each other.
"""

import sqlalchemy as sa
from alembic import command, context, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import role_of, url_for_asyncpg
from shared.personal import PURGE, Personal, grants
from shared.versions import SERVICES_FOLDER, Age, age


def config_for(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SERVICES_FOLDER / service / "migrations").replace("%", "%%"))
    config.attributes["schema"] = service
    return config


def newest(service: str) -> str | None:
    """The version that the service's code expects."""
    return ScriptDirectory.from_config(config_for(service)).get_current_head()


async def migrate(url: str, service: str) -> tuple[str | None, str | None]:
    """The versions before and after. Raises OSError or sqlalchemy's DBAPIError.

    One at a time in a process: Alembic's context is global.
    """
    engine = create_async_engine(
        url_for_asyncpg(url), connect_args={"server_settings": {"search_path": service}, "timeout": 10}
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_migrate, service)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, service: str) -> tuple[str | None, str | None]:
    connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:it, 0))"), {"it": f"migrate {service}"})
    connection.execute(text(f'create schema if not exists "{service}"'))
    before = version(connection, service)
    if age(service, before) is Age.NEWER:  # a newer program has migrated it, and this one can serve on it
        return before, before
    config = config_for(service)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _grant(connection, service)
    return before, version(connection, service)


def _grant(connection: Connection, service: str) -> None:
    """What the service's role may do: everything with its rows but rewrite history, nothing with its tables."""
    role = role_of(service)
    _make_role(connection, role)
    statements = (
        f"grant usage on schema {service} to {role}",
        f"grant select, insert, update, delete on all tables in schema {service} to {role}",
        f"revoke update, delete on {service}.history from {role}",
        f"revoke insert, update, delete on {service}.alembic_version from {role}",
    )
    for statement in statements:
        connection.execute(text(statement))


def _grant_purge(connection: Connection, service: str, personal: Personal) -> None:
    role = role_of(PURGE)
    _make_role(connection, role)
    for statement in grants(service, personal, role):
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
    context.configure(connection=connection, version_table_schema=schema)
    with context.begin_transaction():
        context.run_migrations()
        _grant_purge(connection, schema, personal)


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
