"""Where a service touches the world, so that a crash or a defect can be put there from outside.

The edges are those of the libraries (the Kafka client, the driver of the database, the SMTP client) and the table of
handlers: the services' own code is what runs in production.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiosmtplib
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.batch import Handler
from shared.service import Service

Reach = Callable[[str], None]

_transaction: ContextVar[str] = ContextVar("transaction", default="")
"""The edge that the transaction of this task belongs to: of a handler's batch, or of a mark."""


def watch(service: Service, reach: Reach) -> None:
    """`reach` is called with the name of each point that this process passes."""
    inbox = service.consumer.inbox
    passing = {handler: _handler(handler, reach) for handler in inbox.handlers.values()}
    inbox.handlers = {kind: passing[handler] for kind, handler in inbox.handlers.items()}
    _around(AIOKafkaConsumer, "commit", "offset commit", reach)
    _around(aiosmtplib.SMTP, "data", "SMTP DATA", reach)
    _watch_publishing(reach)
    _watch_statements(service.database.engine, reach)
    _watch_commits(service.database.engine, reach)


def _around(owner: type, name: str, edge: str, reach: Reach) -> None:
    real = getattr(owner, name)

    async def passing(*args: Any, **options: Any) -> Any:
        reach(f"before {edge}")
        answer = await real(*args, **options)
        reach(f"after {edge}")
        return answer

    setattr(owner, name, passing)


def _handler(handler: Handler, reach: Reach) -> Handler:
    async def passing(events: list[Any], tx: Any) -> None:
        _transaction.set("commit")
        reach("before handler")
        await handler(events, tx)
        reach("after handler")

    return passing


def _watch_publishing(reach: Reach) -> None:
    """After: once the broker has acknowledged it."""
    send = AIOKafkaProducer.send_batch

    def settled(acknowledgement: asyncio.Future[Any]) -> None:
        if not acknowledgement.cancelled() and acknowledgement.exception() is None:
            reach("after publish")

    async def passing(*args: Any, **options: Any) -> Any:
        reach("before publish")
        acknowledgement = await send(*args, **options)
        acknowledgement.add_done_callback(settled)
        return acknowledgement

    AIOKafkaProducer.send_batch = passing


def _watch_statements(engine: AsyncEngine, reach: Reach) -> None:
    """The relay deletes without a transaction around it. A mark is done once its transaction is committed, or by
    itself, where it is the only statement."""

    def before(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("DELETE FROM outbox"):
            reach("before outbox delete")
        elif statement.startswith("UPDATE emails") and " sent_at=" in statement:
            _transaction.set("mark sent")
            reach("before mark sent")

    def after(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("DELETE FROM outbox"):
            reach("after outbox delete")
        elif _transaction.get() == "mark sent" and connection.get_isolation_level() == "AUTOCOMMIT":
            _transaction.set("")
            reach("after mark sent")

    event.listen(engine.sync_engine, "before_cursor_execute", before)
    event.listen(engine.sync_engine, "after_cursor_execute", after)


def _watch_commits(engine: AsyncEngine, reach: Reach) -> None:
    dialect: Any = engine.sync_engine.dialect  # of this engine only
    commit = dialect.do_commit

    def passing(connection: Any) -> None:
        edge = _transaction.get()
        if edge == "commit":
            reach("before commit")
        commit(connection)
        if edge:
            _transaction.set("")
            reach(f"after {edge}")

    dialect.do_commit = passing
