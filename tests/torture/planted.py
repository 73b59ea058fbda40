"""Defects that a campaign must find, put at the edges of one victim. No product code has them."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

LATE = 2.0
"""Seconds from what passes for an acknowledgement until the record is really sent."""


def offsets_committed_before_the_database() -> None:
    """As a client that commits by itself does: what was polled counts as read."""
    poll = AIOKafkaConsumer.getmany

    async def polled_and_committed(consumer: AIOKafkaConsumer, *args: Any, **options: Any) -> Any:
        records = await poll(consumer, *args, **options)
        if records:
            await consumer.commit()
        return records

    AIOKafkaConsumer.getmany = polled_and_committed


def outbox_row_deleted_before_the_ack() -> None:
    """As a relay that does not wait: the row is gone while the record is still in this process."""
    send = AIOKafkaProducer.send_batch
    sending = set()

    async def sent_later(*args: Any, **options: Any) -> Any:
        async def later() -> None:
            await asyncio.sleep(LATE)
            await send(*args, **options)

        task = asyncio.create_task(later())
        sending.add(task)
        task.add_done_callback(sending.discard)
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    AIOKafkaProducer.send_batch = sent_later


DEFECTS: dict[str, Callable[[], None]] = {
    "offsets committed before the database": offsets_committed_before_the_database,
    "outbox row deleted before the ack": outbox_row_deleted_before_the_ack,
}
