"""Whether everything that was told has been read, and everything that is owed has gone: for programs that wait."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from commands.kafka import partitions_of
from shared.messaging.kafka import admin, ssl_context
from shared.settings import KafkaSettings
from shared.topics import SERVICES, TOPICS, Topic


@asynccontextmanager
async def watching(settings: KafkaSettings, database_url: str) -> AsyncIterator["Settled"]:
    """Connections to look through, as whoever may see all schemas."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(admin(settings))
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            security_protocol=settings.kafka_security_protocol,
            sasl_mechanism=settings.kafka_sasl_mechanism,
            sasl_plain_username=settings.kafka_sasl_username or None,
            sasl_plain_password=settings.kafka_sasl_password.get_secret_value() or None,
            ssl_context=ssl_context(settings),
        )
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        database = await asyncpg.connect(database_url)
        stack.push_async_callback(database.close)
        partitions = await partitions_of(client, settings.kafka_topic_prefix)
        yield Settled(settings.kafka_topic_prefix, partitions, client, consumer, database)


class Settled:
    def __init__(
        self,
        prefix: str,
        partitions: Mapping[Topic, int],
        client: AIOKafkaAdminClient,
        consumer: AIOKafkaConsumer,
        database: Any,
    ) -> None:
        self._prefix = prefix
        self._partitions = partitions
        self._client = client
        self._consumer = consumer
        self._database = database

    async def look(self) -> str | None:
        """What is still under way, in a sentence; None where nothing is.

        What was read is stored, with the events that it led to, before its offset is committed: so no lag, then no
        event owed, then no new record means that nothing is left.
        """
        before = await self._ends()
        for service in SERVICES:
            if behind := await self._behind(service, before):
                return f"{service} has {behind} records still to read"
            if owed := await self._database.fetchval(f'select count(*) from "{service}".outbox'):  # noqa: S608  # ours
                return f"{service} has {owed} events still to publish"
        return "records have just been published" if await self._ends() != before else None

    async def _ends(self) -> dict[TopicPartition, int]:
        return dict(
            await self._consumer.end_offsets(
                [
                    TopicPartition(self._prefix + topic.name, number)
                    for topic, count in self._partitions.items()
                    if topic.readers
                    for number in range(count)
                ]
            )
        )

    async def _behind(self, service: str, ends: dict[TopicPartition, int]) -> int:
        committed = await self._client.list_consumer_group_offsets(self._prefix + service)
        names = {self._prefix + topic.name for topic in TOPICS if service in topic.readers}
        return sum(
            end - max(0, committed[tp].offset if tp in committed else 0)
            for tp, end in ends.items()
            if tp.topic in names
        )
