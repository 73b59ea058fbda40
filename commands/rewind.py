"""`rewind`: what makes a service whole again whose database was set back to an earlier state.

First what it has told since is taken back into its tables, in one transaction; then its group's offsets are set to
where they stood at that time, and what it reads from there on again changes nothing twice. No offset moves forward,
unless Kafka no longer has what lies there. Done twice it changes nothing more.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalGenerationError, UnknownMemberIdError
from faststream.kafka.security import parse_security
from pydantic import TypeAdapter, ValidationError

from commands import past
from commands.failures import Failed
from commands.kafka import partitions_of, told_plainly
from commands.serve import SETTINGS, create
from shared.database import Database
from shared.events import Time
from shared.messaging.faults import PASSING, in_words
from shared.messaging.kafka import admin, security
from shared.messaging.remembering import Memory, Told, event_in
from shared.settings import KafkaSettings, load
from shared.topics import topic_of

_MOMENT: TypeAdapter[datetime] = TypeAdapter(Time)


def moment_in(text: str) -> datetime | None:
    """None where it is no RFC 3339 time."""
    try:
        return _MOMENT.validate_python(text)
    except ValidationError:
        return None


async def rewind(service: str, since: datetime) -> AsyncIterator[str]:
    """A line for what was taken back, and one for each partition. Raises Failed."""
    settings = load(SETTINGS[service])
    app = create(service, settings)
    memory: Memory = import_module(f"services.{service}.app").memory(settings)
    group, prefix = settings.kafka_topic_prefix + service, settings.kafka_topic_prefix
    try:
        async with told_plainly(settings), admin(settings) as asking:
            counts = {prefix + it.name: count for it, count in (await partitions_of(asking, prefix)).items()}
            partitions = _partitions(
                app.consumer.inbox.topics, counts
            )  # before a broker without topics knows of groups
            await _refuse_while_running(asking, service, group)
            async with _client(settings) as client:
                told = await _told(client, memory, service, prefix, counts, since)
            changed = await _take_back(app.database, memory, told)
            yield f"{service}: {changed} registrations taken back from what it told since {since:%Y-%m-%dT%H:%M:%SZ}"
            async with _client(settings, group) as client:
                lines, targets = await _offsets(client, partitions, since)
                await _commit(client, targets, service, group)
            for line in lines:
                yield line
    finally:
        await app.database.close()


async def _refuse_while_running(asking: AIOKafkaAdminClient, service: str, group: str) -> None:
    [answer] = await asking.describe_consumer_groups([group])
    [found] = answer.to_object()["groups"]
    if found["members"]:
        raise Failed(_running(service, group))


def _running(service: str, group: str) -> str:
    return (
        f"the group {group} has members, so {service} is running; expected none; no offset was moved; stop every "
        f"instance of {service}, then try again"
    )


async def _told(
    client: AIOKafkaConsumer, memory: Memory, service: str, prefix: str, counts: dict[str, int], since: datetime
) -> Told:
    kinds = {prefix + topic_of(kind, service): kind for kind in memory.kinds}
    begins = await past.beginnings(client, _partitions(list(kinds), counts), since)
    records = past.read(client, begins)
    return Told([event async for it in records if (event := event_in(kinds[it.topic], it, service))])


async def _take_back(database: Database, memory: Memory, told: Told) -> int:
    try:
        async with database.transaction() as tx:
            return await memory.take_back(told, tx)
    except PASSING as error:
        raise Failed(
            f"what was told could not be taken back, and no offset was moved: {in_words(error)}; expected a database "
            f"as a backup has it; check DATABASE_URL, and that --to is before the backup was begun"
        ) from None


async def _offsets(
    client: AIOKafkaConsumer, partitions: list[TopicPartition], since: datetime
) -> tuple[list[str], dict[TopicPartition, int]]:
    """For each partition where it stood at `since`, or where its group stands if that is earlier: in words, and all
    that are to be set."""
    begins = await past.beginnings(client, partitions, since)
    firsts = await client.beginning_offsets(partitions)
    client.assign(partitions)
    lines, targets = [], {}
    for tp in sorted(partitions):
        committed = await client.committed(tp)
        place = f"{tp.topic}[{tp.partition}]"
        if committed is None:
            lines.append(f"{place}  was never read; it will be from its first record")
            continue
        targets[tp] = max(firsts[tp], min(committed, begins[tp]))
        lines.append(f"{place}  {committed} -> {targets[tp]}" + _lost(committed, firsts[tp]))
    return lines, targets


async def _commit(client: AIOKafkaConsumer, targets: dict[TopicPartition, int], service: str, group: str) -> None:
    try:
        if targets:
            await client.commit(targets)
    except (UnknownMemberIdError, IllegalGenerationError, CommitFailedError):  # it was started meanwhile
        raise Failed(_running(service, group)) from None


def _lost(committed: int, first: int) -> str:
    return f"  Kafka no longer has the {first - committed} records before that" if committed < first else ""


def _partitions(topics: list[str], counts: dict[str, int]) -> list[TopicPartition]:
    """Raises Failed where a topic is missing."""
    if missing := sorted(set(topics) - counts.keys()):
        raise Failed(
            f"Kafka has no topic {', '.join(missing)}; expected all of them; nothing was rewound; run: registration "
            f"topics apply"
        )
    return [TopicPartition(topic, number) for topic in topics for number in range(counts[topic])]


@asynccontextmanager
async def _client(settings: KafkaSettings, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """With a group: it may set the group's offsets, and is no member of it. Such a client is assigned once."""
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
        **parse_security(security(settings)),
    )
    try:
        await client.start()
        yield client
    finally:
        await client.stop()
