"""What a run on real servers left behind, as the checker reads it, once everything has settled."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from checker.evidence import Evidence, Line, MailRow, Received, Record, Rules
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings
from shared.topics import SERVICES, TOPICS
from tests.faults.rig import Rig

RULES = Rules(review_mail_to=("reviews@vng.example",))
LOOK = 0.2  # seconds
_OWED = " union all ".join(f"select '{service}', count(*) from {service}.outbox" for service in SERVICES)
_WAITING = f"""
    select * from ({_OWED} union all select 'mails', count(*) from notifier.emails where state = 'queued'
    union all select 'open', count(*) from registrar.registrations
        where status in ('awaiting_confirmation', 'awaiting_approval')) as waiting (what, number) where number > 0
"""
_HISTORY = """
    select registration_id::text, version, status_from, status_to, event, note, actor, reason, at
    from {service}.history order by id
"""
_MAILS = "select registration_id::text, kind, period, number, state, queued_at, sent_at from notifier.emails"


async def settled(made: Rig, within: float) -> None:
    """Until nothing waits anywhere. Raises TimeoutError that says what does."""
    waits: list[str] = []
    try:
        async with asyncio.timeout(within):
            while waits := await _waiting(made):  # noqa: ASYNC110  # other processes bring it about
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise TimeoutError(f"after {within:.0f} s these still waited: {', '.join(waits)}") from None


async def _waiting(made: Rig) -> list[str]:
    unread = await _unread(made)  # first: what is read makes what is told
    return unread + [f"{what}: {number}" for what, number in await made.rows(_WAITING)]


async def _unread(made: Rig) -> list[str]:
    """Which groups have not committed the end of a topic that they read."""
    try:
        async with admin(made.direct) as client:
            groups = {name: await client.list_consumer_group_offsets(made.prefix + name) for name in SERVICES}
    except KafkaError:
        return ["Kafka does not say where its groups are"]
    ends = await _ends(made)
    return [
        f"{name}: {place.topic}[{place.partition}] from {known[place].offset if place in known else 0} to {end}"
        for name, known in groups.items()
        for place, end in ends.items()
        if place.topic in _read_by(made, name) and end > (known[place].offset if place in known else 0)
    ]


def _read_by(made: Rig, service: str) -> set[str]:
    return {made.prefix + topic.name for topic in TOPICS if service in topic.readers}


async def _ends(made: Rig) -> dict[TopicPartition, int]:
    async with _consumer(made.direct) as consumer:
        return dict(await consumer.end_offsets(await _places(made.direct)))


@asynccontextmanager
async def _consumer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _places(settings: KafkaSettings) -> list[TopicPartition]:
    async with admin(settings) as client:
        topics = await client.describe_topics([settings.kafka_topic_prefix + topic.name for topic in TOPICS])
    return [TopicPartition(it["topic"], partition["partition"]) for it in topics for partition in it["partitions"]]


async def evidence_of(made: Rig) -> Evidence:
    """Of a run that is settled and had faults."""
    lines = [Line(service, *row) for service in SERVICES for row in await made.rows(_HISTORY.format(service=service))]
    mails = [MailRow(*row) for row in await made.rows(_MAILS)]
    received = [Received(", ".join(mail.to), mail.message_id, mail.subject) for mail in made.mailbox.messages()]
    now = datetime.now(UTC)
    records = await records_of(made.direct)
    return Evidence(records, lines, now, mails, received, duplicates_allowed=True, rules=RULES)


async def records_of(settings: KafkaSettings) -> list[Record]:
    """All records of all topics."""
    found: list[Record] = []
    async with _consumer(settings) as consumer:
        places = await _places(settings)
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found += [_record(place.topic.removeprefix(settings.kafka_topic_prefix), record) for record in records]
    return found


def _record(topic: str, record: Any) -> Record:
    return Record(
        topic=topic,
        key=record.key.decode() if record.key is not None else None,
        value=json.loads(record.value) if record.value is not None else None,
        ce_id=next((text.decode() for name, text in record.headers if name == "ce_id"), None),
        partition=record.partition,
        offset=record.offset,
    )
