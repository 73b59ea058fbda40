"""One of the four bare programs.

    python -m bench.floor.program registrar|notifier|approver|portal

A batch is decoded, stored in one transaction, what follows from it is published and acknowledged, and its offsets are
committed. Prints "ready" once all that waited at start has been read.
"""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from bench.floor.rows import HANDLERS, Told
from shared.messaging.consumer import BATCH, POLL_MS

Connection = Any  # asyncpg carries no types
Store = Callable[[Connection, list[dict[str, Any]]], Awaitable[list[Told]]]


def new_producer() -> AIOKafkaProducer:
    """Set as the services' own."""
    return AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
    )


async def publish(producer: AIOKafkaProducer, prefix: str, told: list[Told]) -> None:
    sent = []
    for topic, kind, key, event, at in told:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid7()).encode()),
            ("ce_source", b"/floor"),
            ("ce_type", kind),
            ("ce_time", at.encode()),
            ("ce_subject", key),
            ("content-type", b"application/json"),
        ]
        sent.append(await producer.send(prefix + topic, to_json(event), key=key, headers=headers))
    await asyncio.gather(*sent)


async def run(name: str) -> None:
    prefix = os.environ["KAFKA_TOPIC_PREFIX"]
    stores: dict[str, Store] = {prefix + topic: store for topic, store in HANDLERS[name].items()}
    connection, producer = await asyncpg.connect(os.environ["DATABASE_URL"]), new_producer()
    consumer = AIOKafkaConsumer(
        *stores,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=f"{prefix}floor-{name}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    await producer.start()
    await consumer.start()
    ready = False
    while True:
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
        if not found:
            if consumer.assignment() and not ready:
                print("ready", flush=True)
                ready = True
            continue
        events: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for place, records in found.items():
            events[place.topic] += [from_json(it.value) for it in records]
        told: list[Told] = []
        async with connection.transaction():
            for topic, store in stores.items():
                if some := events.get(topic):
                    told += await store(connection, some)
        await publish(producer, prefix, told)
        await consumer.commit()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
