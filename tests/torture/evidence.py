"""What a campaign left behind, as the checker reads it: from Kafka and PostgreSQL, a part at a time, so that a run of
hundreds of thousands of registrations is never in memory as it is there.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from checker import Evidence, Finding, Kept, Line, MailRow, Received, Record, Rules, check
from commands.kafka import partitions_of
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings
from shared.topics import SERVICES

AT_ONCE = 5000
PATIENCE_MS = 30_000

_HISTORY = """
    select registration_id::text, version, status_from, status_to, event, note, actor, reason, at
    from {service}.history order by id
"""
_MAILS = "select registration_id::text, kind, period, number, state, queued_at, sent_at from notifier.emails"
_ACCOUNTS = "select email, version from {service}.accounts where not deleted"

T = TypeVar("T")


def everywhere(database_url: str) -> dict[str, str]:
    """Where all services are in one database."""
    return dict.fromkeys(SERVICES, database_url)


async def findings(
    settings: KafkaSettings,
    urls: Mapping[str, str],
    received: Iterable[Received] | None,
    rules: Rules,
    *,
    duplicates_allowed: bool,
) -> list[Finding]:
    """What the checker says of all that a campaign left. `urls`: of each service's database; `received`: by the mail
    server, None where there was none; `duplicates_allowed`: where something died, a mail may come twice."""
    loop = asyncio.get_running_loop()
    left = Evidence(
        records=_drawn(records(settings), loop),
        lines=_drawn(lines(urls), loop),
        now=datetime.now(UTC),
        mails=_drawn(mails(urls), loop),
        received=received,
        accounts=_drawn(accounts(urls), loop),
        duplicates_allowed=duplicates_allowed,
        rules=rules,
    )
    return await asyncio.to_thread(check, left)


async def records(settings: KafkaSettings) -> AsyncIterator[list[Record]]:
    """All topics, each partition in order to the end found at the beginning. Raises TimeoutError where Kafka holds back
    what it says that it has."""
    prefix = settings.kafka_topic_prefix
    async with admin(settings) as client:
        topics = await partitions_of(client, prefix)
    places = [TopicPartition(prefix + topic.name, number) for topic in topics for number in range(topics[topic])]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, fetch_max_wait_ms=50)
    try:
        await consumer.start()
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, begins[place])
        unread = {place for place in places if begins[place] < ends[place]}
        while unread:
            found = await consumer.getmany(*unread, timeout_ms=PATIENCE_MS, max_records=AT_ONCE)
            if not found:
                raise TimeoutError(f"Kafka holds back what it has in {sorted(unread)}")
            for place, some in found.items():
                yield [_record(it, place.topic.removeprefix(prefix)) for it in some]
            unread -= {place for place in found if found[place][-1].offset + 1 >= ends[place]}
    finally:
        await consumer.stop()


def _record(it: ConsumerRecord, topic: str) -> Record:
    ce_id = next((value.decode() for name, value in it.headers if name == "ce_id" and value), None)
    return Record(topic, it.key.decode() if it.key else None, _value(it.value), ce_id, it.partition, it.offset)


def _value(raw: bytes | None) -> dict[str, Any] | None:
    try:
        value = json.loads(raw or b"null")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


async def lines(urls: Mapping[str, str]) -> AsyncIterator[list[Line]]:
    """`urls`: of each service's database."""
    for service in SERVICES:
        async for rows in _rows(urls[service], _HISTORY.format(service=service)):
            yield [Line(service, *row) for row in rows]


async def mails(urls: Mapping[str, str]) -> AsyncIterator[list[MailRow]]:
    async for rows in _rows(urls["notifier"], _MAILS):
        yield [MailRow(*row) for row in rows]


async def accounts(urls: Mapping[str, str]) -> AsyncIterator[list[Kept]]:
    for service in ("registrar", "approver"):
        async for rows in _rows(urls[service], _ACCOUNTS.format(service=service)):
            yield [Kept(service, *row) for row in rows]


async def _rows(database_url: str, sql: str) -> AsyncIterator[list[Any]]:
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(readonly=True):
            cursor = await connection.cursor(sql)
            while rows := await cursor.fetch(AT_ONCE):
                yield rows
    finally:
        await connection.close()


def _drawn(parts: AsyncIterator[list[T]], loop: asyncio.AbstractEventLoop) -> Iterator[T]:
    """For a thread beside the loop: the checker is no coroutine."""

    async def following() -> list[T] | None:
        return await anext(parts, None)

    while (some := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
        yield from some
