"""From Kafka into the database, on the real ones: nothing is lost, nothing counts twice, nothing blocks."""

import asyncio
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text
from structlog.testing import capture_logs

from shared.database import Transaction, role_of
from shared.events import CustomerDeclined, Quarantined
from shared.messaging import consumer
from shared.messaging.consumer import CannotGoOn
from tests.integration.conftest import (
    PARTITIONS,
    PATIENCE,
    Publish,
    World,
    moment,
    read_topic,
    service_with,
    serving,
)

TOPIC = "customer-declined.v1"


def declined(reason: str | None = None) -> CustomerDeclined:
    return CustomerDeclined(registration_id=uuid4(), reason=reason, declined_at=datetime.now(UTC))


class Book:
    """A handler that writes down what it gets, in the transaction that it gets it in."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def write(self, events: Sequence[CustomerDeclined], tx: Transaction) -> None:
        self.batches.append(len(events))
        if any(event.reason == "poison" for event in events):
            raise ValueError("this one cannot be accepted")
        await tx.execute(
            text("insert into book (id) values (:id)"), [{"id": event.registration_id} for event in events]
        )


@pytest.fixture
async def book(world: World) -> Book:
    owner = await asyncpg.connect(world.settings.database_url.get_secret_value())
    await owner.execute(f"create table registrar.book (id uuid); grant all on registrar.book to {role_of('registrar')}")
    await owner.close()
    return Book()


async def committed(world: World) -> int:
    """The sum of the group's offsets on the topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.settings.kafka_bootstrap_servers, group_id=f"{world.prefix}registrar"
    )
    await consumer.start()
    try:
        offsets = [await consumer.committed(TopicPartition(world.prefix + TOPIC, n)) for n in range(PARTITIONS)]
        return sum(offset or 0 for offset in offsets)
    finally:
        await consumer.stop()


async def test_a_record_that_its_handler_refuses_goes_to_quarantine_and_the_others_of_its_batch_go_through(
    world: World, publish: Publish, book: Book
) -> None:
    events = [declined("poison" if n == 17 else None) for n in range(60)]
    await publish(*events)
    async with serving(service_with(world, "registrar", {CustomerDeclined: book.write})):
        await world.until("registrar", "select id from book", lambda rows: len(rows) == 59)
        (row,) = await world.until("registrar", "select * from quarantine", lambda rows: len(rows) == 1)
    assert row.reason == "handler_failed: ValueError: this one cannot be accepted"
    assert row.value == events[17].model_dump_json().encode()
    (told,) = await read_topic(world, Quarantined, "registrar", 1)
    assert Quarantined.model_validate_json(told.value).offset == row.offset
    assert await committed(world) == 60


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "undecodable"),
        (b'\xff\xfe{"a":1}', "undecodable"),
        (b'{"registration_id": 7, "reason": null, "declined_at": "2026-07-01T09:00:00Z"}', "undecodable"),
        (b"[" * 50_000, "undecodable"),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', "oversized"),
        (None, "null_value"),
    ],
    ids=["truncated", "not UTF-8", "wrong type", "deeply nested", "oversized", "null"],
)
async def test_what_cannot_be_decoded_is_kept_whole_in_quarantine_and_never_stops_the_partition(
    world: World, producer: AIOKafkaProducer, book: Book, value: bytes | None, reason: str
) -> None:
    await producer.send_and_wait(world.prefix + TOPIC, value, key=b"k", headers=[("odd", b"\xff")])
    good = declined()
    await producer.send_and_wait(world.prefix + TOPIC, good.model_dump_json().encode(), key=b"k")
    async with serving(service_with(world, "registrar", {CustomerDeclined: book.write})):
        rows = await world.until("registrar", "select id from book", lambda rows: len(rows) == 1)
    assert rows[0].id == good.registration_id
    (kept,) = await world.rows("registrar", "select * from quarantine")
    assert kept.reason.startswith(reason)
    assert (kept.topic, kept.key, kept.value) == (TOPIC, b"k", value)
    assert kept.headers == [["odd", "ff"]]
    assert await committed(world) == 2


@pytest.mark.parametrize("headers", [[("ce_type", None)], [("ce_type", b"\xff\xfe")], [("ce_type", b"VngApproved")]])
async def test_headers_from_anybody_stop_nothing(
    world: World, producer: AIOKafkaProducer, book: Book, headers: list[tuple[str, bytes]]
) -> None:
    event = declined()
    await producer.send_and_wait(world.prefix + TOPIC, event.model_dump_json().encode(), headers=headers)
    async with serving(service_with(world, "registrar", {CustomerDeclined: book.write})):
        found = "select 'stored' as what from book union all select reason from quarantine"
        (row,) = await world.until("registrar", found, lambda rows: len(rows) == 1)
    assert row.what == "stored" if headers[0][1] is None else row.what.startswith("wrong_type")


async def test_a_batch_whose_offsets_were_not_committed_comes_again_and_what_failed_half_way_left_no_trace(
    world: World, publish: Publish, book: Book
) -> None:
    await publish(*(declined() for _ in range(10)))
    failed = asyncio.Event()

    async def fail_after_writing(events: Sequence[CustomerDeclined], tx: Transaction) -> None:
        await book.write(events, tx)
        failed.set()
        raise ConnectionError("the database went away in the middle")

    service = service_with(world, "registrar", {CustomerDeclined: fail_after_writing})
    async with serving(service):
        await failed.wait()
        assert service.consumer.inbox.trouble is None or "ConnectionError" in service.consumer.inbox.trouble
    assert await world.rows("registrar", "select id from book") == []
    assert await committed(world) == 0
    async with serving(service_with(world, "registrar", {CustomerDeclined: book.write})):
        await world.until("registrar", "select id from book", lambda rows: len(rows) == 10)


async def test_a_batch_is_all_that_has_come_not_only_what_was_fetched_first(
    world: World, publish: Publish, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka fetches what comes next while a batch is stored, and then no more until that is taken."""
    event = declined()
    storing, stored = asyncio.Event(), asyncio.Event()

    async def store_slowly(events: Sequence[CustomerDeclined], tx: Transaction) -> None:
        await book.write(events, tx)
        storing.set()
        await stored.wait()

    service = service_with(world, "registrar", {CustomerDeclined: store_slowly})
    async with serving(service), asyncio.timeout(PATIENCE):
        await publish(event)
        await storing.wait()
        monkeypatch.setattr(consumer, "NEWER_MS", 1000 * PATIENCE)
        await publish(event)
        while service.consumer.lag < 2:  # until it is fetched
            await moment()
        await publish(event)
        stored.set()
        await world.until("registrar", "select id from book", lambda rows: len(rows) == 3)
    assert book.batches == [1, 2]


async def test_while_the_database_is_away_the_same_batch_waits_and_goes_through_once_it_is_back(
    world: World, publish: Publish, book: Book
) -> None:
    tries: Counter[str] = Counter()
    again = asyncio.Event()

    async def away_at_first(events: Sequence[CustomerDeclined], tx: Transaction) -> None:
        tries["all"] += 1
        if tries["all"] >= 3:
            again.set()
        else:
            await tx.execute(text("set transaction read only"))  # as after a failover: SQLSTATE 25006
        await book.write(events, tx)

    service = service_with(world, "registrar", {CustomerDeclined: away_at_first})
    with capture_logs() as lines:
        async with serving(service):
            await publish(declined())
            await again.wait()
            await world.until("registrar", "select id from book", lambda rows: len(rows) == 1)
    said = [line["event"] for line in lines if line["event"].startswith("batch")]
    assert said == ["batch waits", "batch waits", "batch goes on"]
    assert await world.rows("registrar", "select * from quarantine") == []


async def test_an_offset_that_kafka_no_longer_has_stops_the_consumer_which_says_so_and_is_not_ready(
    world: World, publish: Publish, book: Book
) -> None:
    await publish(declined())
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.settings.kafka_bootstrap_servers,
        group_id=f"{world.prefix}registrar",
        enable_auto_commit=False,
    )
    await consumer.start()
    place = TopicPartition(world.prefix + TOPIC, 1)
    consumer.assign([place])
    await consumer.commit({place: 1000})
    await consumer.stop()
    service = service_with(world, "registrar", {CustomerDeclined: book.write})
    async with serving(service), asyncio.timeout(PATIENCE):
        while not (said := await service.checks["database"]()):
            await moment()
        assert re.search(r"no longer has the offset.*\[1\] at 1000.*registration rewind registrar$", said)
        await publish(*(declined() for _ in range(20)))
        assert await committed(world) >= 1000


async def test_a_missing_topic_stops_the_start_with_the_remedy(
    world: World, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "LOOKS_FOR_TOPICS", 2)
    settings = world.settings.model_copy(update={"kafka_topic_prefix": "nowhere."})
    world.settings = settings
    service = service_with(world, "registrar", {CustomerDeclined: book.write})
    with pytest.raises(CannotGoOn, match=r"no topic nowhere\.customer-declined\.v1.*registration topics apply"):
        await asyncio.wait_for(service.run(asyncio.Event()), 30)


ODD_PRODUCER = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class OddName(str):
    def encode(self, *how):
        return b"t\\xeate"

async def main(servers, topic, value):
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        await producer.send_and_wait(topic, value.encode(), partition=1, headers=[(OddName("t"), b"x")])

asyncio.run(main(*sys.argv[1:]))
"""
"""Writes a header's name in another encoding, which only aiokafka without its compiled parts lets pass."""


async def test_a_header_whose_name_is_not_utf_8_stops_nothing_and_its_place_is_in_quarantine(
    world: World, publish: Publish, book: Book
) -> None:
    before, after = [declined() for _ in range(30)], [declined() for _ in range(30)]
    await publish(*before)
    command = [world.settings.kafka_bootstrap_servers, world.prefix + TOPIC, declined().model_dump_json()]
    odd = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ODD_PRODUCER, *command, env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}
    )
    assert await odd.wait() == 0
    await publish(*after)
    async with serving(service_with(world, "registrar", {CustomerDeclined: book.write})):
        rows = await world.until("registrar", "select distinct id from book", lambda rows: len(rows) == 60)
        (kept,) = await world.until("registrar", "select * from quarantine", lambda rows: len(rows) == 1)
    assert {row.id for row in rows} == {event.registration_id for event in (*before, *after)}
    assert (kept.partition, kept.value) == (1, None)
    assert kept.reason.startswith("unreadable")
