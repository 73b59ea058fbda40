"""Many records at once to Kafka: those of one partition are one batch, which waits for no more to come and takes one
acknowledgement."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.messaging.cloudevents import Headers

partition_of = DefaultPartitioner()
"""By the key's hash, as Kafka's own clients find it."""


class Message(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Publisher:
    """Of one producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def publish(self, messages: Iterable[Message]) -> None:
        """Returns once all are acknowledged; those of one key stay in their order. Raises KafkaError: then some may
        have been written all the same."""
        batches: dict[tuple[str, int], BatchBuilder] = {}
        acknowledged: list[asyncio.Future[object]] = []
        for it in messages:
            partitions = await self._producer.partitions_for(it.topic)
            place = it.topic, partition_of(it.key, sorted(partitions), ())
            batch = batches.get(place)
            if batch is None or not _add(batch, it):
                if batch:
                    acknowledged.append(await self._send(batch, place))
                batch = batches[place] = self._producer.create_batch()
                _add(batch, it)
        for place, batch in batches.items():
            acknowledged.append(await self._send(batch, place))
        await asyncio.gather(*acknowledged)

    async def _send(self, batch: BatchBuilder, place: tuple[str, int]) -> asyncio.Future[object]:
        topic, partition = place
        batch.close()
        sending: asyncio.Future[object] = await self._producer.send_batch(batch, topic, partition=partition)
        return sending


def _add(batch: BatchBuilder, it: Message) -> bool:
    """Whether there was room for it. There always is in an empty batch."""
    return batch.append(timestamp=None, key=it.key, value=it.value, headers=it.headers) is not None
