"""What an operator sees of a campaign: how far it is, and whether anything is still under way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from commands.kafka import partitions_of
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings
from shared.topics import SERVICES, Topic

FINALS = ("registration-approved.v1", "registration-closed.v1")

_OWED = "select count(*) from {service}.outbox"
_MAILS = "select count(*) from notifier.emails where state = 'queued'"
_STATUSES = "select status, count(*) from registrar.registrations group by 1 order by 1"


@dataclass(frozen=True, slots=True)
class Watch:
    """Everything is asked anew each time: servers come and go."""

    settings: KafkaSettings
    urls: Mapping[str, str]
    """Of each service's database."""

    async def ended(self) -> int:
        """Final words on the topics. Raises KafkaError."""
        async with admin(self.settings) as client:
            ends = await self._ends(await partitions_of(client, self.settings.kafka_topic_prefix), FINALS)
        return sum(ends.values())

    async def under_way(self) -> dict[str, int]:
        """What waits, by where; empty where nothing does. Raises KafkaError and what asyncpg raises."""
        waits = {f"{service} reads": lag for service, lag in (await self._lags()).items()}
        for service in SERVICES:
            [[count]] = await self._fetch(service, _OWED.format(service=service))
            waits[f"{service} publishes"] = count
        [[waits["mails"]]] = await self._fetch("notifier", _MAILS)
        return {where: count for where, count in waits.items() if count}

    async def statuses(self) -> dict[str, int]:
        """Registrar's."""
        return {row[0]: row[1] for row in await self._fetch("registrar", _STATUSES)}

    async def _fetch(self, service: str, sql: str) -> list[asyncpg.Record]:
        database = await asyncpg.connect(self.urls[service])
        try:
            return list(await database.fetch(sql))
        finally:
            await database.close()

    async def _lags(self) -> dict[str, int]:
        """Records that a service's group has not committed yet."""
        prefix = self.settings.kafka_topic_prefix
        async with admin(self.settings) as client:
            topics = await partitions_of(client, prefix)
            committed = {service: await _committed(client, prefix + service) for service in SERVICES}
        ends = await self._ends(topics, [topic.name for topic in topics])
        lags = dict.fromkeys(SERVICES, 0)
        for topic in topics:
            for service in topic.readers:
                for number in range(topics[topic]):
                    place = TopicPartition(prefix + topic.name, number)
                    lags[service] += ends[place] - committed[service].get(place, 0)
        return lags

    async def _ends(self, topics: dict[Topic, int], names: Iterable[str]) -> dict[TopicPartition, int]:
        prefix = self.settings.kafka_topic_prefix
        places = [
            TopicPartition(prefix + topic.name, number)
            for topic, partitions in topics.items()
            if topic.name in names
            for number in range(partitions)
        ]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        try:
            await consumer.start()
            ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
            return ends
        finally:
            await consumer.stop()


async def _committed(client: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    found = await client.list_consumer_group_offsets(group)
    return {place: it.offset for place, it in found.items() if it.offset >= 0}
