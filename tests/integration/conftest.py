"""What integration tests share: services, in this process or as processes, on topics and a database of the test's."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from pydantic import SecretStr
from sqlalchemy import text

from commands.kafka import apply_topics
from embedded import Servers, process
from embedded.ports import free_port
from embedded.process import Process
from shared.clock import system_clock
from shared.database import Database
from shared.events import Event
from shared.messaging.batch import Handlers
from shared.service import Service, Worker
from shared.settings import ServiceSettings
from shared.topics import topic_of

PATIENCE = 60.0
PARTITIONS = 2
"""Enough for batches that join partitions; each one costs Kafka time and memory."""


@dataclass
class World:
    """Topics and a database of one test."""

    settings: ServiceSettings
    servers: Servers
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    _looked_at: dict[str, Database] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return self.settings.kafka_topic_prefix

    def database(self, service: str) -> Database:
        return Database(self.settings.database_url.get_secret_value(), service, system_clock, pool_size=2)

    async def rows(self, service: str, sql: str) -> list[Any]:
        if service not in self._looked_at:
            self._looked_at[service] = self.database(service)
        async with self._looked_at[service].engine.connect() as connection:
            return list((await connection.execute(text(sql))).all())

    async def close(self) -> None:
        for database in self._looked_at.values():
            await database.close()

    async def until(self, service: str, sql: str, holds: Callable[[list[Any]], bool]) -> list[Any]:
        """The rows of `sql` once they are as expected; fails after a minute with what they are."""
        rows: list[Any] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    rows = await self.rows(service, sql)
                    if holds(rows):
                        return rows
                    await moment()
        except TimeoutError:
            pytest.fail(f"after {PATIENCE:.0f} s {sql!r} still gave {rows}")

    def environment(self, **more: str) -> dict[str, str]:
        """For services as processes."""
        return {
            **os.environ,
            **self.servers.environment(),
            "DATABASE_URL": self.settings.database_url.get_secret_value(),
            "KAFKA_TOPIC_PREFIX": self.prefix,
            "PORTAL_URL": "http://127.0.0.1:1",
            "APPROVER_URL": "http://127.0.0.1:2",
            "REVIEW_MAIL_TO": "reviews@vng.example",
            "MAIL_FROM": "registration@vngcloud.example",
            "LINK_SECRET": "a key for links of tests",
            **self.extra,
            **more,
        }

    def start(self, service: str, port: int | None = None) -> tuple[Process, str]:
        """The service as a process of its own; not ready yet."""
        port = port or free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "cli", "serve", service, "--port", str(port)]
        log = self.folder / f"{service}.log"
        return process.start(command, log_path=log, env=self.environment(PUBLIC_URL=url)), url


async def moment() -> None:
    """Between two looks at a fact outside this process."""
    await asyncio.sleep(0.05)


async def until_ready(url: str) -> None:
    async with httpx2.AsyncClient() as client, asyncio.timeout(PATIENCE):
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)


@pytest.fixture
def partitions() -> int:
    return PARTITIONS


@pytest.fixture
async def world(
    running: Servers, database_url: str, topic_prefix: str, partitions: int, tmp_path: Path
) -> AsyncIterator[World]:
    settings = ServiceSettings(
        kafka_bootstrap_servers=running.kafka_bootstrap_servers,
        kafka_topic_prefix=topic_prefix,
        database_url=SecretStr(database_url),
    )
    await apply_topics(settings, 1, partitions)
    world = World(settings, running, tmp_path)
    yield world
    await world.close()


Publish = Callable[..., Awaitable[None]]


@pytest.fixture
async def producer(running: Servers) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=running.kafka_bootstrap_servers, linger_ms=2, acks="all", enable_idempotence=True
    )
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
def publish(world: World, producer: AIOKafkaProducer) -> Publish:
    """Publishes events as a plain producer does: a value and a key, no headers but those given. All are acknowledged on
    return."""

    async def publish(*events: Event, **headers: str) -> None:
        sent = [
            await producer.send(
                world.prefix + topic_of(type(event), "portal"),
                event.model_dump_json().encode(),
                key=event.key.encode(),
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
            for event in events
        ]
        await asyncio.gather(*sent)

    return publish


async def read_topic(world: World, kind: type[Event], service: str, count: int) -> list[ConsumerRecord[Any, Any]]:
    """The first `count` records of a topic, from its beginning."""
    consumer = AIOKafkaConsumer(
        world.prefix + topic_of(kind, service),
        bootstrap_servers=world.settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    found: list[ConsumerRecord[Any, Any]] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
    except TimeoutError:
        pytest.fail(f"after {PATIENCE:.0f} s {kind.type()} had {len(found)} of {count} records")
    finally:
        await consumer.stop()
    return found


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Service]:
    """The service's workers in this process."""
    stopping = asyncio.Event()
    running = asyncio.create_task(service.run(stopping))
    try:
        yield service
    finally:
        stopping.set()
        await running


def service_with(world: World, name: str, handlers: Handlers, *workers: Worker) -> Service:
    return Service(name, world.settings, system_clock, handlers, workers=lambda _service: workers)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """What a test starts as processes is put here, and stopped at its end."""
    started: list[Process] = []
    yield started
    for one in started:
        one.stop()
