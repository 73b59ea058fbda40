"""Topics and a database of a run's own on shared servers, and the programs that run there."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from bench.drain import OPEN_LIMIT
from bench.floor.rows import TABLES
from bench.naive.models import create_tables
from bench.settled import naive_accounts
from commands.demo.machine import READY_SECONDS, ready
from commands.kafka import apply_topics
from commands.migrate import migrate_all
from embedded import Servers, process
from embedded.ports import free_port
from embedded.process import Process
from shared.messaging.kafka import admin
from shared.settings import DatabaseSettings, KafkaSettings
from shared.topics import PARTITIONS, SERVICES, TOPICS


@dataclass(frozen=True, slots=True)
class Room:
    """`settings` is how the driver reaches Kafka; `environment` is the services', but for their addresses."""

    settings: KafkaSettings
    database_url: str
    environment: dict[str, str]

    def topic(self, name: str) -> str:
        return self.settings.kafka_topic_prefix + name


@dataclass(frozen=True, slots=True)
class Programs:
    """By service. `urls` are empty where nothing is served."""

    processes: dict[str, Process]
    urls: dict[str, str]


@contextmanager
def room(host: Servers, name: str, **more: str) -> Iterator[Room]:
    """Gone at the end: a server that is measured has no other room's rows to vacuum and no other's logs to keep."""
    assert host.postgres
    mark = f"{name}_{uuid4().hex[:6]}"
    settings = KafkaSettings(kafka_bootstrap_servers=host.kafka_bootstrap_servers, kafka_topic_prefix=f"{mark}.")
    url = host.postgres.create_database(mark)

    async def prepare() -> None:
        await asyncio.gather(migrate_all(DatabaseSettings(database_url=SecretStr(url))), apply_topics(settings, 1))

    asyncio.run(prepare())
    environment = {
        **os.environ,
        **host.environment(),
        "KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "DATABASE_URL": url,
        "OPEN_LIMIT": str(OPEN_LIMIT),
        "LINK_SECRET": "of-a-benchmark-and-of-nothing-else",
        "MAIL_FROM": "VNG Cloud <registration@vngcloud.example>",
        "REVIEW_MAIL_TO": "reviews@vng.example",
        "PORTAL_URL": "http://127.0.0.1:1",
        "APPROVER_URL": "http://127.0.0.1:2",
    }
    yield Room(settings, url, environment | more)
    asyncio.run(_forget(host.postgres.url, mark, settings))


@contextmanager
def retold(there: Room, name: str) -> Iterator[Room]:
    """The same database with topics of their own: what was told before is not told again. Gone at the end."""
    prefix = f"{there.settings.kafka_topic_prefix}{name}."
    settings = there.settings.model_copy(update={"kafka_topic_prefix": prefix})
    asyncio.run(apply_topics(settings, 1))
    yield Room(settings, there.database_url, there.environment | {"KAFKA_TOPIC_PREFIX": prefix})
    asyncio.run(_delete_topics(settings))


async def _forget(url: str, database: str, settings: KafkaSettings) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f'drop database "{database}" with (force)')
    await connection.close()
    await _delete_topics(settings)


async def _delete_topics(settings: KafkaSettings) -> None:
    async with admin(settings) as client:
        await client.delete_topics([settings.kafka_topic_prefix + it.name for it in TOPICS])


@contextmanager
def services(there: Room, folder: Path, instances: int = 1) -> Iterator[Programs]:
    """The four as processes, ready. Beside the first `portal` there are `portal 2` and so on."""
    names = [name if number == 1 else f"{name} {number}" for number in range(1, instances + 1) for name in SERVICES]
    urls = {name: f"http://127.0.0.1:{free_port()}" for name in names}
    with ExitStack() as stack:
        started = {}
        for name, url in urls.items():
            command = [sys.executable, "-m", "cli", "serve", name.partition(" ")[0], "--port", url.rpartition(":")[2]]
            own = there.environment | {"PUBLIC_URL": url}
            started[name] = process.start(command, log_path=folder / f"{name}.log", env=own)
            stack.callback(started[name].stop)
        for name, url in urls.items():
            started[name].wait_until(ready(url), READY_SECONDS)
        yield Programs(started, urls)


@contextmanager
def floor(there: Room, folder: Path) -> Iterator[Programs]:
    """The four bare programs in place of the services, ready."""

    async def prepare() -> None:
        connection = await asyncpg.connect(there.database_url)
        await connection.execute(TABLES)
        await connection.close()

    asyncio.run(prepare())
    urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
    commands = {name: ["-m", "bench.floor.program", name] for name in SERVICES}
    with _said_ready("floor", there, folder, commands, urls) as started:
        yield Programs(started, urls)


@contextmanager
def naive(there: Room, folder: Path) -> Iterator[Programs]:
    """The four naive programs in place of the services, ready: they serve no pages."""
    asyncio.run(create_tables(there.database_url))
    commands = {name: ["-m", f"bench.naive.{name}"] for name in SERVICES}
    with _said_ready("naive", there, folder, commands, {}) as started:
        asyncio.run(_accounts_read(there))
        yield Programs(started, {})


@contextmanager
def _said_ready(
    way: str, there: Room, folder: Path, commands: Mapping[str, Sequence[str]], urls: Mapping[str, str]
) -> Iterator[dict[str, Process]]:
    """Programs that print "ready". `commands`: by service, for Python. `urls`: where they are to serve pages, if so."""
    with ExitStack() as stack:
        started = {}
        for name, words in commands.items():
            log = folder / f"{way}-{name}.log"
            log.unlink(missing_ok=True)
            port = {"PORT": urls[name].rpartition(":")[2]} if urls else {}
            started[name] = process.start([sys.executable, *words], log_path=log, env=there.environment | port)
            stack.callback(started[name].stop)
        for one in started.values():
            one.wait_until(lambda one=one: "ready" in one.log_tail(), READY_SECONDS)  # type: ignore[misc]
        yield started


async def _accounts_read(there: Room) -> None:
    """The naive programs do not say when they have read what waited; what they have stored does."""
    async with AIOKafkaConsumer(bootstrap_servers=there.settings.kafka_bootstrap_servers) as consumer:
        places = [TopicPartition(there.topic("account-updated.v1"), number) for number in range(PARTITIONS)]
        count = sum((await consumer.end_offsets(places)).values())
    await naive_accounts(there.database_url, count)
