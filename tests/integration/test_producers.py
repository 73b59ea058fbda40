"""Events from producers that are not ours: in transactions that end either way, and compressed in each way there is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from services.registrar.app import create_app
from shared.events import AccountUpdated, Event
from shared.settings import RegistrarSettings
from shared.topics import topic_of
from tests.integration.conftest import Publish, World, serving
from tests.integration.told import account, request

STATUSES = "select customer_email, status from registrations order by 1"


@asynccontextmanager
async def another_producer(world: World, **how: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=world.settings.kafka_bootstrap_servers, **how)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def tell(world: World, producer: AIOKafkaProducer, event: Event) -> None:
    topic = world.prefix + topic_of(type(event), "portal")
    await producer.send_and_wait(topic, event.model_dump_json().encode(), key=event.key.encode())


def registrar(world: World) -> RegistrarSettings:
    return RegistrarSettings(**world.settings.model_dump())


def with_credit(email: str) -> AccountUpdated:
    return account(email, version=2, credit_balance=5)


async def test_what_a_producer_took_back_was_never_said_and_what_it_has_not_ended_is_not_said_yet(
    world: World, publish: Publish
) -> None:
    kept, taken_back, told = (f"{name}@example.com" for name in ("kept", "taken-back", "told"))
    await publish(*(account(email) for email in (kept, taken_back, told)))
    async with another_producer(world, transactional_id=f"{world.prefix}accounts") as accounts:
        async with accounts.transaction():
            await tell(world, accounts, with_credit(told))
        await accounts.begin_transaction()
        await tell(world, accounts, with_credit(taken_back))
        await accounts.abort_transaction()
        await accounts.begin_transaction()
        await tell(world, accounts, with_credit(kept))
        service = create_app(registrar(world))
        async with serving(service):
            await publish(*(request(email) for email in (kept, taken_back, told)))
            rows = await world.until("registrar", STATUSES, lambda rows: len(rows) == 3)
            assert await service.checks["caught up at start"]() is None
            await accounts.commit_transaction()
            newest = f"select version from accounts where email = '{kept}'"
            await world.until("registrar", newest, lambda rows: [tuple(row) for row in rows] == [(2,)])
    assert [tuple(row) for row in rows] == [
        (kept, "awaiting_confirmation"),
        (taken_back, "awaiting_confirmation"),
        (told, "refused"),
    ]
    assert await world.rows("registrar", "select reason from quarantine") == []


async def test_events_may_be_compressed_in_any_way_that_kafka_knows(world: World, publish: Publish) -> None:
    ways = ("gzip", "snappy", "lz4", "zstd")
    emails = [f"{way}@example.com" for way in ways]
    for way, email in zip(ways, emails, strict=True):
        async with another_producer(world, compression_type=way) as producer:
            await tell(world, producer, account(email))
    async with serving(create_app(registrar(world))):
        await publish(*(request(email) for email in emails))
        rows = await world.until("registrar", STATUSES, lambda rows: len(rows) == len(ways))
    assert [tuple(row) for row in rows] == [(email, "awaiting_confirmation") for email in sorted(emails)]
