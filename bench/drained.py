"""When nothing is under way any more, whatever is stored: counting millions of rows again and again would cost more
than what is measured."""

import asyncio

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.room import Room
from bench.settled import OWED
from shared.messaging.kafka import admin
from shared.topics import SERVICES, TOPICS

LOOK = 0.05  # seconds
Places = dict[str, list[TopicPartition]]


async def drained(there: Room) -> None:
    """Until each service has stored all that it reads, and owes nothing."""
    reads = _read_by_each(there)
    everything = sorted({place for places in reads.values() for place in places})
    database = await asyncpg.connect(there.database_url)
    consumer = AIOKafkaConsumer(bootstrap_servers=there.settings.kafka_bootstrap_servers)
    async with consumer, admin(there.settings) as client:
        while True:
            ends = await consumer.end_offsets(everything)
            stored = await _stored(client, there, reads, ends)
            # Nothing was told between the two looks.
            if stored and not await database.fetchval(OWED) and await consumer.end_offsets(everything) == ends:
                break
            await asyncio.sleep(LOOK)
    await database.close()


async def _stored(client: AIOKafkaAdminClient, there: Room, reads: Places, ends: dict[TopicPartition, int]) -> bool:
    """Whether each has committed the end of what it reads."""
    for service, places in reads.items():
        group = there.settings.kafka_topic_prefix + service
        committed = await client.list_consumer_group_offsets(group, partitions=places)
        if any(committed[place].offset < ends[place] for place in places if ends[place]):
            return False
    return True


def _read_by_each(there: Room) -> Places:
    return {
        service: [
            TopicPartition(there.topic(topic.name), number)
            for topic in TOPICS
            if service in topic.readers
            for number in range(topic.partitions)
        ]
        for service in SERVICES
    }
