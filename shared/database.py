"""A service's own PostgreSQL schema: connections that see only it, and transactions that tell Kafka what they changed.

Whoever `DATABASE_URL` names, a service works under its own role, which sees its schema only and can neither change nor
delete history. The role is made by `registration migrate`.

What a transaction emits or refuses is written with what it changes, in one commit: a transition without its event, or
an event without its transition, cannot exist.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import Table, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import CursorResult, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.event import listens_for
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import Executable

from shared import inserting
from shared.clock import Clock
from shared.events import Event
from shared.inserting import Insert
from shared.messaging import outbox
from shared.messaging.faults import sqlstate
from shared.tracing import Traces, Trail

NO_SUCH_ROLE = "22023"  # an invalid value for the parameter `role`
NOT_PERMITTED = "42501"
POOL = 15  # connections of a process
IDLE = 1.0  # seconds after which a connection is asked whether it is still there: asking is three round trips
ANSWERED_WITHIN = 10  # seconds: the longest statement takes a tenth of that
GIVEN_UP_AFTER = 20  # seconds without a statement in a transaction that was begun
CLOSING = 2.0  # seconds


def url_for_asyncpg(url: str) -> str:
    """As libpq writes it, with at most `sslmode`, which asyncpg calls `ssl`."""
    return "postgresql+asyncpg://" + url.split("://", 1)[1].replace("sslmode=", "ssl=")


def role_of(service: str) -> str:
    """The database role that a service works under. Roles are the server's, not the database's: hence the long name."""
    return f"registration_{service}"


def channel_of(service: str) -> str:
    """Where `Transaction.changed` is heard: the channel is the database's, and services share one."""
    return f"changed_{service}"


def _ask_the_idle(engine: AsyncEngine) -> None:
    """As SQLAlchemy's `pool_pre_ping`, but only where a connection has not been used for a while: one that worked a
    moment ago is there, or whoever uses it learns in the same moment as everybody that the database has gone."""
    pool, dialect = engine.sync_engine.pool, engine.sync_engine.dialect

    @listens_for(pool, "checkin")
    def used(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @listens_for(pool, "checkout")
    def asked(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if record.info.get("used_at", time.monotonic()) > time.monotonic() - IDLE:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as gone:
            raise InvalidatePoolError from gone  # the pool makes another, and asks no other that is as old


def _know_the_dead(engine: AsyncEngine) -> None:
    """A server's last words that come between two steps of a statement put asyncpg out of step: a connection that says
    so is dead like one that says "closed", and all of its age with it."""

    @listens_for(engine.sync_engine, "handle_error")
    def failed(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, AsyncAdapt_asyncpg_dbapi.InternalClientError):
            context.is_disconnect = True


class RoleRefused(Exception):
    """The login of `DATABASE_URL` may not take the service's role, or the role may not use the service's schema."""


class Reading:
    """For looking, or for one statement that changes rows. `now`: all decisions on what is read see the same moment."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self.now = now
        self._connection = connection

    async def execute(
        self, statement: Executable, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        return await self._connection.execute(statement, rows)


class Transaction(Reading):
    """One transaction. The caller of `Database.transaction` owns it: nothing in here commits. `now` is the batch's."""

    def __init__(self, connection: AsyncConnection, service: str, now: datetime, traces: Traces | None = None) -> None:
        super().__init__(connection, now)
        self.trail = Trail(traces) if traces else None
        self.refused: list[tuple[Event, str]] = []
        self._service = service
        self.signals: set[str] = set()
        self.steps: list[tuple[str, str]] = []
        self.offsets: Mapping[int, int] = {}
        self._begun = False
        self._new: list[Insert] = []
        self._failed: BaseException | None = None
        self._emitted: list[Event] = []
        self._changed: set[str] = set()

    async def execute(
        self, statement: Executable, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        if self._new:
            await self._write()
        self._begun = True
        return await super().execute(statement, rows)

    def insert(self, table: Table, rows: Sequence[object], *, known_stay: bool = False) -> None:
        """New rows (see `inserting.Insert`), written with all other new rows at the end, or before this transaction's
        next statement, which thus sees them. A key that exists raises asyncpg's `UniqueViolationError` there."""
        if not rows:
            return
        last = self._new[-1] if self._new else None
        if last and last.table is table and last.known_stay is known_stay:
            last.rows.extend(rows)
        else:
            self._new.append(Insert(table, list(rows), known_stay))

    def emit(self, *events: Event) -> None:
        """Tell `events` once this transaction has committed, in this order."""
        self._emitted += events

    def refuse(self, event: Event, reason: str) -> None:
        """This event can never be accepted: its record goes to quarantine with this transaction."""
        self.refused.append((event, reason))

    def offset_of(self, event: object) -> int | None:
        """Where in its partition the record of `event` stands; None for an event that came from no record."""
        return self.offsets.get(id(event))

    def signal(self, name: str) -> None:
        """Once committed, wake the worker that waits for `Database.signal(name)`."""
        self.signals.add(name)

    def stepped(self, event: str, status: str) -> None:
        """Once committed, those who listen (`Database.when_committed`) know of this step of history."""
        self.steps.append((event, status))

    def changed(self, *topics: str) -> None:
        """Once committed, tell open pages, of all processes of this service, that what `topics` name has changed."""
        self._changed.update(topics)

    async def flush(self) -> None:
        """Write what is new and what was emitted, and tell what has changed."""
        if self._emitted:
            self.insert(outbox.table, self._owed())
            self.signal(outbox.OWED)
            self._emitted = []
        if self._failed:  # somebody caught it, and would be told that this committed
            raise self._failed
        await self._write(sorted(self._changed))
        self._changed = set()

    async def _write(self, topics: Sequence[str] = ()) -> None:
        if not self._new and not topics:
            return
        new, self._new = self._new, []
        if not self._begun:  # what follows goes past SQLAlchemy, which begins a transaction at its own first statement
            await self.execute(text("select 1"))
        raw = await self._connection.get_raw_connection()
        try:
            await inserting.write(raw.driver_connection, new, channel_of(self._service), topics)
        except BaseException as error:
            self._failed = error
            raise

    def _owed(self) -> list[outbox.Owed]:
        if self.trail is None:
            return [outbox.owed(event, self._service, self.now) for event in self._emitted]
        return [outbox.owed(it, self._service, self.now, self.trail.headers_of(it)) for it in self._emitted]


class Database:
    """One service's schema."""

    def __init__(self, url: str, schema: str, clock: Clock, *, pool_size: int = POOL) -> None:
        self.schema = schema
        self.clock = clock
        self._url = url
        self._server_settings = {
            "role": role_of(schema),
            "search_path": schema,
            "application_name": schema,
            "timezone": "UTC",
            "jit": "off",
            # Where the network has cut us off without telling the server, its side gives up our locks by itself.
            "idle_in_transaction_session_timeout": str(GIVEN_UP_AFTER * 1000),
        }
        self.traces: Traces | None = None
        self._listeners: list[Callable[[Transaction], None]] = []
        self._signals: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.engine: AsyncEngine = create_async_engine(
            url_for_asyncpg(url),
            pool_size=pool_size,
            max_overflow=0,  # these would be closed after each use, and a connection is dear to open
            pool_timeout=10,
            hide_parameters=True,  # they hold people's addresses, and errors are logged
            connect_args={
                "timeout": 5,
                "command_timeout": ANSWERED_WITHIN,  # a server that hangs is a server that is away
                "server_settings": self._server_settings,
            },
        )

        _ask_the_idle(self.engine)
        _know_the_dead(self.engine)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Without a transaction around its statements: half the round trips. What looks would see no more in one; a
        statement that changes rows is a transaction by itself."""
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield Reading(connection, self.clock())

    @asynccontextmanager
    async def transaction(self, now: datetime | None = None) -> AsyncIterator[Transaction]:
        """Commits at the end of the block, rolls back when it raises."""
        async with self.engine.connect() as connection, connection.begin():
            tx = Transaction(connection, self.schema, now or self.clock(), self.traces)
            yield tx
            await tx.flush()
        for name in tx.signals:
            self._signals[name].set()
        for listener in self._listeners:
            listener(tx)
        if tx.trail:
            tx.trail.end()

    async def connect(self) -> asyncpg.Connection:
        """A connection beside the pool, for what lasts; its owner closes it."""
        return await asyncpg.connect(self._url, timeout=5, command_timeout=10, server_settings=self._server_settings)

    def when_committed(self, listener: Callable[[Transaction], None]) -> None:
        """From now on, told of each transaction of this process that has committed."""
        self._listeners.append(listener)

    def signal(self, name: str) -> asyncio.Event:
        """Set by each commit of this process that signalled `name`. Who waits clears it; other processes' commits do
        not set it, so nobody relies on it alone."""
        return self._signals[name]

    async def schema_version(self) -> str | None:
        """The migration that the schema is at; None where it was never migrated. Raises RoleRefused."""
        try:
            async with self.engine.connect() as connection:
                if (await connection.execute(text("select to_regclass('alembic_version')"))).scalar() is None:
                    return None
                return (await connection.execute(text("select version_num from alembic_version"))).scalar()
        except DBAPIError as error:
            if sqlstate(error) == NO_SUCH_ROLE:
                return None
            if sqlstate(error) == NOT_PERMITTED:
                raise RoleRefused from error
            raise

    async def close(self) -> None:
        """Within CLOSING seconds, whether the server answers or not."""
        closing = asyncio.ensure_future(self.engine.dispose())
        await asyncio.wait({closing}, timeout=CLOSING)
        closing.cancel()
