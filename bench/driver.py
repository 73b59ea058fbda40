"""Who requests, confirms and approves: cheap, as it shares two cores with what it drives."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic_core import from_json, to_json

from bench.drain import new_producer
from bench.room import Room
from shared.events import CustomerConfirmed, Event
from shared.topics import PARTITIONS, topic_of

Message = tuple[str, bytes, bytes]
"""Topic, key, value."""

_CONFIRMED = tuple(name for name in CustomerConfirmed.model_fields if name != "confirmed_at")


def messages(there: Room, events: Sequence[Event]) -> list[Message]:
    return [(there.topic(topic_of(type(it), "")), it.key.encode(), it.model_dump_json().encode()) for it in events]


async def publish(there: Room, them: Sequence[Message]) -> None:
    """Returns once all are acknowledged."""
    producer = new_producer(there.settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        await asyncio.gather(*[await producer.send(topic, value, key=key) for topic, key, value in them])
    finally:
        await producer.stop()


async def _answers(there: Room, count: int) -> None:
    """Confirms and approves as notifier and approver would, until as many are approved."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    opened, confirmed, over = (
        there.topic(it) for it in ("registration-opened.v1", "customer-confirmed.v1", "registration-approved.v1")
    )
    approval = there.topic("vng-approved.v1")
    done: set[bytes] = set()
    async with clients(there) as (producer, consumer):
        places = [TopicPartition(it, number) for it in (opened, confirmed, over) for number in range(PARTITIONS)]
        consumer.assign(places)
        while len(done) < count:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                if place.topic == opened:
                    for it in records:
                        event = from_json(it.value)
                        value = to_json({name: event[name] for name in _CONFIRMED} | {"confirmed_at": at})
                        await producer.send(confirmed, value, key=it.key)
                elif place.topic == confirmed:
                    for it in records:
                        value = to_json(
                            {"registration_id": it.key.decode(), "approved_by": "hoa@vng.example", "approved_at": at}
                        )
                        await producer.send(approval, value, key=it.key)
                else:
                    done.update(it.key for it in records)


@asynccontextmanager
async def clients(there: Room) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
    producer = new_producer(there.settings.kafka_bootstrap_servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=there.settings.kafka_bootstrap_servers, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        yield producer, consumer
    finally:
        await consumer.stop()
        await producer.stop()


async def driven(there: Room, requests: Sequence[Message]) -> None:
    """Requests, and answers until all are approved."""
    answering = asyncio.create_task(_answers(there, len(requests)))
    await publish(there, requests)
    await answering
