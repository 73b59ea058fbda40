"""What each of the naive programs begins with: a broker, an application, sessions."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from faststream import FastStream
from faststream.kafka import KafkaBroker
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from shared.database import url_for_asyncpg
from shared.events import Event

Handler = TypeVar("Handler", bound=Callable[[Any], Awaitable[None]])

_PREFIX = os.environ.get("KAFKA_TOPIC_PREFIX", "")

# Lines for each message are not written: they would cost more than some of the handlers.
broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP_SERVERS"], log_level=logging.DEBUG)
sessions = async_sessionmaker(create_async_engine(url_for_asyncpg(os.environ["DATABASE_URL"])), expire_on_commit=False)


def on(topic: str, service: str) -> Callable[[Handler], Handler]:
    """Decorates the handler of `service` for `topic`."""
    subscriber: Any = broker.subscriber(_PREFIX + topic, group_id=_PREFIX + service, auto_offset_reset="earliest")
    handled_by: Callable[[Handler], Handler] = subscriber
    return handled_by


async def publish(event: Event, topic: str) -> None:
    await broker.publish(event, _PREFIX + topic, key=event.key.encode())


def run() -> None:
    """Prints "ready" once it consumes."""
    app = FastStream(broker)

    @app.after_startup
    def ready() -> None:
        print("ready", flush=True)

    asyncio.run(app.run())
