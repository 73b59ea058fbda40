"""One of the four bare programs.

    python -m bench.floor.program registrar|notifier|approver|portal

A batch is decoded, stored in one transaction, what follows from it is published and acknowledged, and its offsets are
committed. Mails are sent and pages served beside it. Prints "ready" once all that waited at start has been read.
"""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from bench import NOTHING_SENT
from bench.floor import rows
from bench.floor.mails import Sender
from bench.floor.pages import Do, Pages
from bench.floor.rows import HANDLERS, Connection, Event, Follows, Owed, Told
from shared.messaging.consumer import BATCH, POLL_MS
from shared.messaging.pace import Pace
from shared.messaging.publishing import Message, Publisher
from shared.web.server import serve

Change = Callable[[Connection, Sequence[str]], Awaitable[tuple[dict[str, Any], Follows]]]


class Telling:
    """Set as the services' own producer."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.producer = AIOKafkaProducer(
            bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            acks="all",
            enable_idempotence=True,
            max_batch_size=256 * 1024,
        )
        self._publisher = Publisher(self.producer)

    async def __call__(self, follows: Follows) -> None:
        """Returns once all is acknowledged."""
        await self._publisher.publish(self._message(it) for it in follows if isinstance(it, Told))

    def _message(self, it: Told) -> Message:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid7()).encode()),
            ("ce_source", b"/floor"),
            ("ce_type", it.type),
            ("ce_time", it.at.encode()),
            ("ce_subject", it.key),
            ("content-type", b"application/json"),
        ]
        return Message(self._prefix + it.topic, it.key, to_json(it.event), headers)


def pages(name: str, connection: Connection, tell: Telling) -> Pages | None:
    """`connection` is for them alone."""
    one_at_a_time = asyncio.Lock()

    def changing(change: Change) -> Do:
        async def do(ids: Sequence[str]) -> dict[str, Any]:
            async with one_at_a_time:
                found, follows = await change(connection, ids)
            await tell(follows)
            return found

        return do

    async def show(ids: Sequence[str]) -> dict[str, Any]:
        async with one_at_a_time:
            return await rows.look(connection, ids)

    match name:
        case "notifier":
            return Pages(show=show, confirm=changing(rows.confirm))
        case "approver":
            return Pages(approve=changing(rows.approve_cases))
        case _:
            return None


async def consume(name: str, prefix: str, tell: Telling, sender: Sender | None) -> None:
    stores = {prefix + topic: store for topic, store in HANDLERS[name].items()}
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    consumer = AIOKafkaConsumer(
        *stores,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=prefix + name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    ready, pace, stopping = False, _pace(), asyncio.Event()
    while True:
        await pace.rest(stopping)
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
        if not found:
            if consumer.assignment() and not ready:
                print("ready", flush=True)
                ready = True
            continue
        pace.begin()
        events: defaultdict[str, list[Event]] = defaultdict(list)
        for place, records in found.items():
            events[place.topic] += [from_json(it.value) for it in records]
        follows: list[Told | Owed] = []
        async with connection.transaction():
            for topic, store in stores.items():
                if some := events.get(topic):
                    follows += await store(connection, some)
        if sender:
            sender.owe([it for it in follows if isinstance(it, Owed)])
        await tell(follows)
        await consumer.commit()
        pace.done(sum(map(len, events.values())))


def _pace() -> Pace:
    """Where people set the pace, loops rest as ours do, so that more is taken together. Where all is there at once, the
    floor is quicker without."""
    return Pace() if os.environ["SMTP_URL"] != NOTHING_SENT else Pace(apart=0.0, most_apart=0.0)


async def run(name: str) -> None:
    prefix, url = os.environ["KAFKA_TOPIC_PREFIX"], os.environ["DATABASE_URL"]
    tell, port = Telling(prefix), int(os.environ["PORT"])
    sender = None
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        await tell.producer.start()
        stack.push_async_callback(tell.producer.stop)
        if name == "notifier" and os.environ["SMTP_URL"] != NOTHING_SENT:
            marking = await asyncpg.connect(url)

            async def sent(mails: Sequence[Owed]) -> None:
                await tell(await rows.mark_sent(marking, mails))

            sender = Sender(f"http://127.0.0.1:{port}", sent)
            tasks.create_task(sender.run())
        if app := pages(name, await asyncpg.connect(url), tell):
            tasks.create_task(serve(app, "127.0.0.1", port))
        await consume(name, prefix, tell, sender)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
