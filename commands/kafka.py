"""Kafka from the command line: events published and acknowledged, topics made."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from faststream.kafka.security import parse_security
from uuid_utils.compat import uuid7

from commands.failures import Failed
from shared.events import Event
from shared.messaging import cloudevents
from shared.messaging.faults import in_words
from shared.messaging.kafka import new_broker, security
from shared.settings import KafkaSettings
from shared.topics import TOPICS, Topic, topic_of

AT_ONCE = 1000


@asynccontextmanager
async def told_plainly(settings: KafkaSettings) -> AsyncIterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Failed(
            f"Kafka at {settings.kafka_bootstrap_servers} did not do what was asked: {in_words(error)}; expected a "
            f"broker that answers; check KAFKA_BOOTSTRAP_SERVERS and that the topics exist (registration topics apply)"
        ) from error


async def publish(settings: KafkaSettings, events: Iterable[Event], source: str) -> int:
    """Publishes `events`, each acknowledged by all replicas. Answers how many. Raises Failed."""
    async with told_plainly(settings):
        async with new_broker(settings, "registration") as broker:
            count, waiting = 0, []
            for event in events:
                id = str(uuid7())
                headers = cloudevents.headers(
                    id=id, source=source, type=event.type(), subject=event.key, time=datetime.now(UTC)
                )
                topic = settings.kafka_topic_prefix + topic_of(type(event), source)
                waiting.append(
                    await broker.publish(
                        event.model_dump_json().encode(),
                        topic,
                        key=event.key.encode(),
                        headers=headers,
                        no_confirm=True,
                    )
                )
                count += 1
                if len(waiting) >= AT_ONCE:
                    await _acknowledged(waiting)
                    waiting = []
            await _acknowledged(waiting)
    return count


async def _acknowledged(waiting: Sequence[object]) -> None:
    for future in waiting:
        await future  # type: ignore[misc]  # publish() answers a future here, typed as either of two


async def apply_topics(settings: KafkaSettings, replication: int) -> list[str]:
    """Makes the topics that are missing. Answers a line a topic. Raises Failed."""
    prefix = settings.kafka_topic_prefix
    async with told_plainly(settings):
        admin = AIOKafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap_servers, **parse_security(security(settings))
        )
        await admin.start()
        try:
            found = set(await admin.list_topics())
            missing = [topic for topic in TOPICS if prefix + topic.name not in found]
            if missing:
                await admin.create_topics([_new(topic, prefix, replication) for topic in missing])
        finally:
            await admin.close()
    made = {topic.name for topic in missing}
    return [
        f"{'made' if topic.name in made else 'there'}  {prefix}{topic.name}  {topic.partitions} partitions"
        for topic in TOPICS
    ]


def _new(topic: Topic, prefix: str, replication: int) -> NewTopic:
    return NewTopic(prefix + topic.name, topic.partitions, replication, topic_configs=topic.config())
