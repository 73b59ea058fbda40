"""One client in its group. It is asked nothing for ever, nothing past the service's end, and leaves nothing running.

aiokafka asks Kafka the same question until it is answered: for its place in the group, for a committed offset, to
commit one. While Kafka is away these questions never end by themselves.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy

from shared.messaging.background import Background
from shared.messaging.kafka import broker_for_reading
from shared.retry import unless_stopped
from shared.settings import KafkaSettings

LAST_WORD = 1.0  # seconds for Kafka to answer once the service stops
LONGEST_ANSWER = 25.0  # seconds: joining a group takes one request's time, and what the others of it still do

T = TypeVar("T")


class Reader:
    """`client` is for asking through `answer`, or for what needs no answer."""

    def __init__(self, client: AIOKafkaConsumer, background: Background, stopping: asyncio.Event) -> None:
        self.client = client
        self._background = background
        self._stopping = stopping

    async def answer(self, asking: Coroutine[Any, Any, T]) -> T:
        """Raises Stopped, TimeoutError, and what the client raises."""
        return await _answer(self._background, asking, self._stopping)


async def _answer(background: Background, asking: Coroutine[Any, Any, T], stopping: asyncio.Event) -> T:
    async with asyncio.timeout(LONGEST_ANSWER):
        return await unless_stopped(stopping, background.start(asking), LAST_WORD)


@asynccontextmanager
async def reader(
    settings: KafkaSettings, group: str, topics: Sequence[str], stopping: asyncio.Event
) -> AsyncIterator[Reader]:
    """Joins the group. Raises Stopped, TimeoutError, KafkaError."""
    broker = broker_for_reading(settings, group)
    subscriber = broker.subscriber(
        *topics,
        batch=True,
        group_id=group,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="none",
        isolation_level="read_committed",  # what its producer took back was never said
        no_reply=True,
        fetch_max_wait_ms=100,
        session_timeout_ms=6000,  # whose instance dies is given up after that, and the others take its share
        heartbeat_interval_ms=1000,  # how soon a member hears that the group is rebalanced, and all wait for the last
    )
    background = Background()
    try:
        await _answer(background, broker.start(), stopping)
        assert subscriber.consumer is not None
        yield Reader(subscriber.consumer, background, stopping)
    finally:
        client = subscriber.consumer
        await background.close(broker.stop())
        if client is not None:
            await background.close(client._client.close())  # where its own close has come to no end
