"""From the database to Kafka: in order, keyed, described, and owed until acknowledged."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError
from structlog.testing import capture_logs

from shared.database import Database
from shared.events import ConfirmationExpired, CustomerDeclined
from shared.messaging import kafka, relay
from shared.messaging.kafka import publisher
from shared.messaging.publishing import Message
from shared.messaging.relay import Relay
from shared.service import Service
from shared.topics import topic_of
from tests.integration.conftest import PATIENCE, World, moment, read_topic, service_with, serving


def expired(registration_id: UUID | None = None) -> ConfirmationExpired:
    return ConfirmationExpired(registration_id=registration_id or uuid4(), expired_at=datetime.now(UTC))


async def ignore(_events: object, _tx: object) -> None:
    """A handler, since a service has one."""


def relaying(world: World) -> Service:
    return service_with(world, "notifier", {CustomerDeclined: ignore})


async def owe(database: Database, *events: ConfirmationExpired) -> None:
    async with database.transaction() as tx:
        tx.emit(*events)


async def test_a_thousand_events_leave_in_few_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request costs Kafka as much as hundreds of records."""
    requests: list[str] = []
    send = AIOKafkaConnection.send

    def noted(connection: AIOKafkaConnection, request: object, **options: Any) -> Any:
        requests.append(type(request).__name__)
        return send(connection, request, **options)

    service = relaying(world)
    await owe(service.database, *(expired() for _ in range(1000)))
    monkeypatch.setattr(AIOKafkaConnection, "send", noted)
    async with serving(service):
        await world.until("notifier", "select * from outbox", lambda rows: not rows)
    assert 0 < requests.count("ProduceRequest") <= 10


async def test_what_does_not_fit_into_one_batch_leaves_in_its_order_all_the_same(world: World) -> None:
    topic = world.prefix + topic_of(CustomerDeclined, "notifier")
    sizes = [60_000, 200_000, 1, 255_000, 130_000, 130_000, 60_000, 1]
    values = [bytes([number]) * size for number, size in enumerate(sizes)]
    async with publisher(world.settings, "large") as some:
        await some.publish(Message(topic, b"one", value, []) for value in values)
    records = await read_topic(world, CustomerDeclined, "notifier", len(values))
    assert [record.value for record in records] == values
    assert len({record.partition for record in records}) == 1


async def test_what_stands_before_a_topic_that_is_missing_leaves_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "ANSWERED_WITHIN", 2.0)
    there, missing = world.prefix + topic_of(CustomerDeclined, "notifier"), f"{world.prefix}nobody-made-it.v1"
    messages = [
        Message(there, b"one", b"before", []),
        Message(missing, b"one", b"", []),
        Message(there, b"one", b"", []),
    ]
    async with publisher(world.settings, "some") as some:
        with pytest.raises(KafkaError):
            await some.publish(messages)
    (record,) = await read_topic(world, CustomerDeclined, "notifier", 1)
    assert record.value == b"before"


async def test_events_leave_in_the_order_of_their_commits_with_key_and_cloudevents_headers(
    world: World,
) -> None:
    service = relaying(world)
    one = uuid4()
    events = [expired(one) for _ in range(50)]
    for event in events:
        await owe(service.database, event)
    owed = await world.rows("notifier", "select id from outbox order by position")
    async with serving(service):
        records = await read_topic(world, ConfirmationExpired, "notifier", 50)
        await world.until("notifier", "select * from outbox", lambda rows: not rows)
    assert [record.value.decode() for record in records] == [event.model_dump_json() for event in events]
    headers = [{name: value.decode() for name, value in record.headers} for record in records]
    assert [header["ce_id"] for header in headers] == [str(row.id) for row in owed]
    assert {record.key for record in records} == {str(one).encode()}
    expected = {
        "ce_specversion": "1.0",
        "ce_source": "/notifier",
        "ce_type": "ConfirmationExpired",
        "ce_subject": str(one),
        "content-type": "application/json",
    }
    assert all(expected.items() <= header.items() for header in headers)
    assert all(datetime.fromisoformat(header["ce_time"]).tzinfo for header in headers)


async def test_a_transaction_that_rolls_back_tells_nothing(world: World) -> None:
    database = world.database("notifier")

    async def emit_and_fail() -> None:
        async with database.transaction() as tx:
            tx.emit(expired())
            await tx.flush()
            raise KeyError("something went wrong after")

    with pytest.raises(KeyError):
        await emit_and_fail()
    assert await world.rows("notifier", "select * from outbox") == []
    await database.close()


async def test_while_kafka_is_away_events_are_owed_and_leave_once_it_is_back_and_the_log_says_both(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = world.servers.kafka
    assert server
    service = relaying(world)
    with capture_logs() as lines:
        async with serving(service):
            await owe(service.database, expired())
            await read_topic(world, ConfirmationExpired, "notifier", 1)
            await world.until("notifier", "select * from outbox", lambda rows: not rows)
            monkeypatch.setattr(relay, "PATIENCE", 0.5)
            await asyncio.to_thread(server.stop)
            try:
                await owe(service.database, expired())
                (row,) = await world.rows("notifier", "select id from outbox")
                while "relay waits" not in (line["event"] for line in lines):
                    await moment()
            finally:
                monkeypatch.setattr(relay, "PATIENCE", PATIENCE)
                await asyncio.to_thread(server.start)
            records = await read_topic(world, ConfirmationExpired, "notifier", 2)
            await world.until("notifier", "select * from outbox", lambda rows: not rows)
    assert str(row.id).encode() in {dict(record.headers)["ce_id"] for record in records}
    assert [line["event"] for line in lines if line["event"].startswith("relay")][-1] == "relay goes on"


async def test_of_two_relays_one_is_active_and_the_other_takes_over_when_its_connection_is_lost(
    world: World,
) -> None:
    databases = [world.database("notifier") for _ in range(2)]
    relays = [
        Relay(database, lambda: publisher(world.settings, "relay"), topic_prefix=world.prefix) for database in databases
    ]
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(relay.run(stopping)) for relay in relays]
    # pg_stat_activity shows the sessions of this test's own database only where we ask for it
    locks = (
        "select l.pid from pg_locks l join pg_database d on d.oid = l.database "
        "where l.locktype = 'advisory' and l.granted and d.datname = current_database()"
    )
    (holder,) = await world.until("notifier", locks, lambda rows: len(rows) == 1)
    owner = await asyncpg.connect(world.settings.database_url.get_secret_value())
    await owner.execute("select pg_terminate_backend($1)", holder.pid)
    await owner.close()
    await world.until("notifier", locks, lambda rows: len(rows) == 1 and rows[0].pid != holder.pid)
    await owe(databases[0], expired())
    await read_topic(world, ConfirmationExpired, "notifier", 1)
    stopping.set()
    await asyncio.gather(*tasks)
    for database in databases:
        await database.close()
