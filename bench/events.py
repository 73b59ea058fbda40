"""How many registrations a second go from request to approval through the events of the four services.

    .venv/bin/python -m bench.events 20000 100000

The real services run as processes on real servers. The driver publishes the requests, answers each `RegistrationOpened`
with a confirmation and each confirmation with an approval, as notifier and approver would tell them; mails are written
and wait, none is sent. Measured from the first request until the last registration is approved everywhere: every event
read by all who read it, every outbox empty.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from bench.drain import OPEN_LIMIT, account, new_producer, publish, request
from bench.usage import cpu_seconds, peak_mb
from commands.demo.machine import READY_SECONDS, ready
from commands.kafka import apply_topics
from commands.migrate import migrate_all
from embedded import Servers, process, servers
from embedded.ports import free_port
from embedded.process import Process
from shared.events import CustomerConfirmed, Event, RegistrationApproved, RegistrationOpened, VngApproved
from shared.settings import DatabaseSettings, KafkaSettings
from shared.topics import PARTITIONS, SERVICES, topic_of

NOTHING_SENT = "smtp://127.0.0.1:9"  # nobody listens: mails wait for a server that is away


@dataclass(frozen=True, slots=True)
class Running:
    """`settings` is how the driver reaches Kafka; `processes` are the services', by name."""

    settings: KafkaSettings
    database_url: str
    processes: dict[str, Process]


@dataclass(frozen=True, slots=True)
class Result:
    """`cpu_ms`: for one registration, by process."""

    count: int
    seconds: float
    cpu_ms: dict[str, float]
    peak_mb: dict[str, float]

    @property
    def rate(self) -> float:
        return self.count / self.seconds


@contextmanager
def room(host: Servers, name: str) -> Iterator[tuple[KafkaSettings, str, dict[str, str]]]:
    """Topics and a database of its own on `host`, and the environment of services there."""
    assert host.postgres
    mark = f"{name}_{uuid4().hex[:6]}"
    settings = KafkaSettings(kafka_bootstrap_servers=host.kafka_bootstrap_servers, kafka_topic_prefix=f"{mark}.")
    url = host.postgres.create_database(mark)

    async def prepare() -> None:
        await asyncio.gather(migrate_all(DatabaseSettings(database_url=SecretStr(url))), apply_topics(settings, 1))

    asyncio.run(prepare())
    yield (
        settings,
        url,
        {
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
        },
    )


@contextmanager
def services(environment: dict[str, str], folder: Path) -> Iterator[dict[str, Process]]:
    """The four as processes, ready."""
    with ExitStack() as stack:
        started = {}
        urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        for name, url in urls.items():
            command = [sys.executable, "-m", "cli", "serve", name, "--port", url.rpartition(":")[2]]
            own = environment | {"PUBLIC_URL": url}
            started[name] = process.start(command, log_path=folder / f"{name}.log", env=own)
            stack.callback(started[name].stop)
        for name, url in urls.items():
            started[name].wait_until(ready(url), READY_SECONDS)
        yield started


async def flow(
    settings: KafkaSettings,
    wanted: asyncio.Future[int],
    approved: Callable[[int], None] = lambda _count: None,
    skipped: int = 0,
) -> None:
    """Answers as notifier and approver would, until as many are approved as are `wanted`, once that is known. Told:
    how many are. `skipped`: so many are approved already."""
    prefix, now = settings.kafka_topic_prefix, datetime.now(UTC)
    topics = {prefix + topic_of(it, ""): it for it in (RegistrationOpened, CustomerConfirmed, RegistrationApproved)}
    done: set[bytes] = set()

    def answer(about: type[Event], value: bytes) -> Event:
        if about is RegistrationOpened:
            return CustomerConfirmed.about(RegistrationOpened.model_validate_json(value), confirmed_at=now)
        it = CustomerConfirmed.model_validate_json(value)
        return VngApproved(registration_id=it.registration_id, approved_by="hoa@vng.example", approved_at=now)

    async with _clients(settings) as (producer, consumer):
        consumer.assign([TopicPartition(it, number) for it in topics for number in range(PARTITIONS)])
        if skipped:
            await consumer.seek_to_end()
        while not wanted.done() or len(done) < wanted.result():
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                about = topics[partition.topic]
                if about is RegistrationApproved:
                    done.update(record.key for record in records)
                    continue
                for event in [answer(about, record.value) for record in records]:
                    topic = prefix + topic_of(type(event), "")
                    await producer.send(topic, event.model_dump_json().encode(), key=event.key.encode())
            approved(len(done))


@asynccontextmanager
async def _clients(settings: KafkaSettings) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
    producer = new_producer(settings.kafka_bootstrap_servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        yield producer, consumer
    finally:
        await consumer.stop()
        await producer.stop()


async def driven(settings: KafkaSettings, count: int) -> None:
    """Requests `count` registrations, and answers until all are approved."""
    wanted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    wanted.set_result(count)
    answering = asyncio.create_task(flow(settings, wanted))
    requests: list[Event] = [request(number) for number in range(count)]
    await publish(settings.kafka_bootstrap_servers, settings.kafka_topic_prefix, requests)
    await answering


_APPROVED = (
    "select count(*) from registrar.registrations where status = 'approved'",
    "select count(*) from portal.registrations where status = 'approved'",
    "select count(*) from approver.cases where outcome = 'approved'",
)
_OWED = (
    "select (select count(*) from registrar.outbox) + (select count(*) from portal.outbox)"
    " + (select count(*) from approver.outbox) + (select count(*) from notifier.outbox)"
)


async def settled(database_url: str, count: int) -> None:
    """Until the services have read that all are approved, and owe nothing any more."""
    connection = await asyncpg.connect(database_url)
    try:
        for sql, wanted in (*((it, count) for it in _APPROVED), (_OWED, 0)):
            while await connection.fetchval(sql) != wanted:  # noqa: ASYNC110  # other processes bring it about
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


def measure(host: Servers, folder: Path, count: int) -> Result:
    assert host.postgres and host.kafka
    with room(host, f"events_{count}") as (settings, url, environment):
        asyncio.run(
            publish(settings.kafka_bootstrap_servers, settings.kafka_topic_prefix, [account(n) for n in range(count)])
        )
        with services(environment | {"SMTP_URL": NOTHING_SENT}, folder) as processes:
            pids = {name: it.pid for name, it in processes.items()}
            pids |= {"postgres": host.postgres.pid, "kafka": host.kafka.pid, "driver": os.getpid()}
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            begun = time.perf_counter()
            asyncio.run(driven(settings, count))
            asyncio.run(settled(url, count))
            seconds = time.perf_counter() - begun
            # The driver's descendants are counted under their own names.
            used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
            used["driver"] -= sum(value for name, value in used.items() if name != "driver")
            memory = {name: peak_mb(pid) for name, pid in pids.items()}
    return Result(count, seconds, {name: 1000 * value / count for name, value in used.items()}, memory)


def printed(it: Result) -> str:
    cpu = "  ".join(f"{name} {value:.2f}" for name, value in it.cpu_ms.items())
    memory = "  ".join(f"{name} {it.peak_mb[name]:.0f}" for name in SERVICES)
    total = sum(it.cpu_ms.values())
    return (
        f"{it.count:>8} registrations  {it.rate:6.0f}/s  in {it.seconds:.1f} s\n"
        f"         CPU ms each: {total:.2f}, which is {2000 / total:.0f}/s on two full cores:  {cpu}\n"
        f"         peak MB: {memory}"
    )


def main(counts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        for count in counts:
            print(printed(measure(host, Path(folder), count)), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [20_000])
