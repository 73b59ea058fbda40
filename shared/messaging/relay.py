"""Publishes what the outbox owes, in order, and deletes it once Kafka has acknowledged it.

One relay a service is active: the one that holds the advisory lock, on the very connection that reads and deletes. A
relay that loses the connection has lost the lock too, also where the server alone cannot know it: sessions that say
nothing are ended. Should two ever publish at once, or one die between
acknowledgement and deletion, a record is published twice with the same `ce_id`, and its readers change nothing.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import structlog
from sqlalchemy import ARRAY, BigInteger, Row, any_, bindparam, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database
from shared.messaging import cloudevents, outbox
from shared.messaging.faults import in_words
from shared.messaging.pace import Pace
from shared.messaging.publishing import Message, Publisher
from shared.retry import Backoff, Stopped, pause, unless_stopped
from shared.tracing import NOTHING

BATCH = 1000
POLL = 0.2  # seconds: how soon rows of another instance's transactions are seen
PATIENCE = 20.0  # seconds for Kafka to acknowledge a batch
GIVEN_UP_AFTER = 30  # seconds without a statement: the server ends a session whose relay it cannot reach
LAST_ROWS = 3.0  # seconds to delete what was acknowledged once the service stops
TRY_LOCK = 1.0  # seconds between tries of a relay that is not the active one

_OLDEST = select(outbox.table).order_by(outbox.table.c.position).limit(BATCH)
_DELETE = delete(outbox.table).where(outbox.table.c.position == any_(bindparam("positions", type_=ARRAY(BigInteger))))
_GIVE_UP = text(f"set idle_session_timeout = '{GIVEN_UP_AFTER}s'")

log = structlog.get_logger()


class Relay:
    """`trouble` says in a sentence why rows do not leave, None when they do (or another instance's relay is active)."""

    def __init__(
        self,
        database: Database,
        publisher: Callable[[], AbstractAsyncContextManager[Publisher]],
        *,
        topic_prefix: str = "",
    ) -> None:
        self.trouble: str | None = "has not started"
        self._database = database
        self._publisher = publisher
        self._prefix = topic_prefix
        self._woken = database.signal(outbox.OWED)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`. Kafka or the database being away is waited out."""
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await unless_stopped(stopping, self._be_active(stopping, backoff), LAST_ROWS)
            except Stopped:
                return
            except Exception as error:
                self.trouble = f"cannot publish: {in_words(error)}"
                log.warning("relay waits", why=in_words(error))
                await pause(stopping, backoff.next())

    async def _be_active(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        async with self._database.engine.connect() as raw:
            connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(_GIVE_UP)
            while not await self._locked(connection):
                self._goes_on(backoff)
                await pause(stopping, TRY_LOCK)
                if stopping.is_set():
                    return
            try:
                pace = Pace()
                async with self._publisher() as publisher:
                    while not stopping.is_set():
                        pace.begin()
                        sent = await self._publish_some(connection, publisher, stopping)
                        pace.done(sent)
                        self._goes_on(backoff)
                        if sent < BATCH:
                            await self._wait()
                            await pace.rest(stopping)
            finally:
                with suppress(Exception):  # a connection that is gone has given up its lock by itself
                    await raw.invalidate()

    def _goes_on(self, backoff: Backoff) -> None:
        self.trouble = None
        if waits := backoff.reset():
            log.info("relay goes on", waits=waits)

    async def _locked(self, connection: AsyncConnection) -> bool:
        key = func.hashtextextended(f"relay of {self._database.schema}", 0)
        return bool((await connection.execute(select(func.pg_try_advisory_lock(key)))).scalar())

    async def _publish_some(self, connection: AsyncConnection, publisher: Publisher, stopping: asyncio.Event) -> int:
        """Publishes up to BATCH rows and deletes them. Raises if one was not acknowledged: then none is deleted."""
        self._woken.clear()
        rows = (await connection.execute(_OLDEST)).all()
        if rows:
            await self._acknowledged(publisher.publish(map(self._message, rows)), stopping)
            await connection.execute(_DELETE, {"positions": [row.position for row in rows]})
        return len(rows)

    async def _acknowledged(self, publishing: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
        """Waits for Kafka, but not for ever, nor past the service's end: an idempotent producer never gives up."""
        task, stop = asyncio.create_task(publishing), asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({task, stop}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError(f"Kafka has not acknowledged within {PATIENCE:.0f} s, or before the service stopped")
            task.result()
        finally:
            stop.cancel()
            task.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    def _message(self, row: Row[Any]) -> Message:
        headers = cloudevents.headers(
            id=str(row.id),
            source=self._database.schema,
            type=row.type,
            subject=row.aggregateid,
            time=row.occurred_at,
        )
        if row.headers != NOTHING:
            headers += [(name, value.encode()) for name, value in json.loads(row.headers).items()]
        return Message(self._prefix + row.topic, row.aggregateid.encode(), row.payload.encode(), headers)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._woken.wait()
