"""Kafka from the command line: events published and acknowledged, topics made."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code
from uuid_utils.compat import uuid7

from commands.failures import Failed
from shared.events import Event
from shared.messaging import cloudevents
from shared.messaging.faults import in_words
from shared.messaging.kafka import admin, publisher, refuse_forbidden
from shared.messaging.publishing import Message
from shared.settings import KafkaSettings
from shared.topics import PARTITIONS, TOPICS, Topic, topic_of

AT_ONCE = 1000


@asynccontextmanager
async def told_plainly(settings: KafkaSettings) -> AsyncIterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Failed(
            f"Kafka at {settings.kafka_bootstrap_servers} did not do what was asked: {in_words(error)}; expected a "
            f"broker that answers and takes this login; check KAFKA_BOOTSTRAP_SERVERS and that the topics exist "
            f"(registration topics apply); registration doctor tells more"
        ) from error


async def publish(
    settings: KafkaSettings,
    events: Iterable[Event],
    source: str,
    acknowledged: Callable[[int], None] = lambda _count: None,
) -> int:
    """Publishes `events`, each acknowledged by all replicas. Answers how many; `acknowledged` hears it after each
    AT_ONCE, before more of `events` are asked for. Raises Failed."""
    count = 0
    looked_for: set[str] = set()
    async with told_plainly(settings), publisher(settings, "registration") as kafka:
        rest = iter(events)
        while some := list(itertools.islice(rest, AT_ONCE)):
            if new := {settings.kafka_topic_prefix + topic_of(type(event), source) for event in some} - looked_for:
                await _refuse_missing(settings, new)
                looked_for |= new
            await kafka.publish(_message(settings, event, source) for event in some)
            count += len(some)
            acknowledged(count)
    return count


async def _refuse_missing(settings: KafkaSettings, topics: set[str]) -> None:
    """A producer would wait for them until it gives up. Raises Failed or KafkaError."""
    async with admin(settings) as client:
        if missing := sorted(topics - set(await client.list_topics())):
            await refuse_forbidden(client, missing)
            raise Failed(
                f"Kafka has no topic {', '.join(missing)}; expected it made; nothing was published; run: registration "
                f"topics apply"
            )


def _message(settings: KafkaSettings, event: Event, source: str) -> Message:
    headers = cloudevents.headers(
        id=str(uuid7()), source=source, type=event.type(), subject=event.key, time=datetime.now(UTC)
    )
    topic = settings.kafka_topic_prefix + topic_of(type(event), source)
    return Message(topic, event.key.encode(), event.model_dump_json().encode(), headers)


async def plan_topics(settings: KafkaSettings, partitions: int = PARTITIONS) -> list[str]:
    """What `apply_topics` would do, a line a topic. Changes nothing. Raises Failed."""
    prefix = settings.kafka_topic_prefix
    async with told_plainly(settings), admin(settings) as client:
        there = await partitions_of(client, prefix)
    return [
        f"there  {prefix}{topic.name}  {there[topic]} partitions"
        if topic in there
        else f"would make  {prefix}{topic.name}  {_count(topic, partitions)} partitions"
        for topic in TOPICS
    ]


async def apply_topics(settings: KafkaSettings, replication: int, partitions: int = PARTITIONS) -> list[str]:
    """Makes the topics that are missing, and changes none. Answers a line a topic, as it is now. Raises Failed."""
    prefix = settings.kafka_topic_prefix
    async with told_plainly(settings), admin(settings) as client:
        before = await partitions_of(client, prefix)
        missing = [topic for topic in TOPICS if topic not in before]
        if missing:
            answer = await client.create_topics([_new(topic, prefix, replication, partitions) for topic in missing])
            _refuse(answer.topic_errors)
        now = await _all_made(client, prefix)
    return [
        f"{'there' if topic in before else 'made'}  {prefix}{topic.name}  {now[topic]} partitions" for topic in TOPICS
    ]


async def partitions_of(client: AIOKafkaAdminClient, prefix: str) -> dict[Topic, int]:
    """How many partitions each of our topics has that is there."""
    # Not by name: a broker that makes topics by itself would make the missing ones.
    found = {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}
    return {topic: found[prefix + topic.name] for topic in TOPICS if prefix + topic.name in found}


async def _all_made(client: AIOKafkaAdminClient, prefix: str) -> dict[Topic, int]:
    """A broker answers that it will make a topic before it knows it."""
    async with asyncio.timeout(30):
        while len(found := await partitions_of(client, prefix)) < len(TOPICS):  # noqa: ASYNC110  # it happens elsewhere
            await asyncio.sleep(0.05)
    return found


def _refuse(answers: Iterable[Sequence[Any]]) -> None:
    problems = [
        f"Kafka made no topic {name}: {for_code(code).__name__}; expected the right to create topics, and as many "
        f"brokers as --replication asks for"
        for name, code, *_rest in answers
        if for_code(code) not in (NoError, TopicAlreadyExistsError)
    ]
    if problems:
        raise Failed(*problems)


def _new(topic: Topic, prefix: str, replication: int, partitions: int) -> NewTopic:
    return NewTopic(prefix + topic.name, _count(topic, partitions), replication, topic_configs=topic.config())


def _count(topic: Topic, partitions: int) -> int:
    own = topic.partitions != PARTITIONS  # a quarantine is one partition, however many the others have
    return topic.partitions if own else partitions
