"""Many records at once to Kafka: those of one partition are one batch, which waits for no more to come and takes one
acknowledgement."""

import asyncio
from collections.abc import Collection, Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
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
        have been written all the same. What stands before a message of a topic that is missing, or forbidden, has."""
        partitions: dict[str, list[int]] = {}
        batches: dict[tuple[str, int], BatchBuilder] = {}
        sent: list[asyncio.Future[object]] = []
        trouble = None
        for it in messages:
            if it.topic not in partitions:
                try:
                    partitions[it.topic] = sorted(await self._producer.partitions_for(it.topic))
                except KafkaError as error:
                    trouble = error
                    break
            place = it.topic, partition_of(it.key, partitions[it.topic], ())
            batch = batches.get(place)
            if batch is None or not _add(batch, it):
                if batch is not None:
                    sent.append(await self._send(batch, place))
                batch = batches[place] = self._producer.create_batch()
                _add(batch, it)
        sent += [await self._send(batch, place) for place, batch in batches.items()]
        await _acknowledged(sent)
        if trouble:
            raise trouble

    async def _send(self, batch: BatchBuilder, place: tuple[str, int]) -> asyncio.Future[object]:
        topic, partition = place
        batch.close()  # it is whole: nobody adds to it, and it leaves at once
        sending: asyncio.Future[object] = await self._producer.send_batch(batch, topic, partition=partition)
        sending.add_done_callback(_heard)
        return sending


async def _acknowledged(sent: Collection[asyncio.Future[object]]) -> None:
    """Raises KafkaError for the first that fails. Who is cancelled meanwhile leaves the others as they are."""
    if sent:
        done, _rest = await asyncio.wait(sent, return_when=asyncio.FIRST_EXCEPTION)
        for it in done:
            it.result()


def _heard(sending: asyncio.Future[object]) -> None:
    """A failure that nobody waits for any more is told by what made them give up."""
    if not sending.cancelled():
        sending.exception()


def _add(batch: BatchBuilder, it: Message) -> bool:
    """Whether there was room for it. There always is in an empty batch."""
    return batch.append(timestamp=None, key=it.key, value=it.value, headers=it.headers) is not None
