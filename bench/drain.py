"""How fast requests that wait in the topic drain through registrar, and what memory it takes meanwhile.

    .venv/bin/python -m bench.drain 20000 200000      (make bench-drain)
    .venv/bin/python -m bench.drain 1000000           (make bench-lag)

For each number: so many accounts and requests (of as many partners as the open limit needs) are published first, then
registrar starts as a process. Measured from the first event in `registration-opened.v1` to the last.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from uuid_utils.compat import uuid7

from commands.kafka import apply_topics
from embedded import Servers, process, servers
from shared.events import AccountUpdated, Billing, Event, Locale, RegistrationRequested
from shared.migrations import migrate
from shared.settings import KafkaSettings
from shared.topics import PARTITIONS, topic_of

OPEN_LIMIT = 100
AT_ONCE = 10_000
NOW = datetime.now(UTC)


def account(number: int) -> AccountUpdated:
    return AccountUpdated(
        email=f"customer{number}@example.com",
        account_id=f"vng-{number}",
        holder_name=f"Nguyễn Văn An {number}",
        locale=Locale.VI,
        billing=Billing.PREPAID,
        credit_balance=0,
        active_services=0,
        active_discounts=0,
        in_poc=False,
        vng_customer=False,
        version=1,
        updated_at=NOW,
    )


def request(number: int) -> RegistrationRequested:
    return RegistrationRequested(
        registration_id=uuid7(),
        partner_id=f"partner-{number // OPEN_LIMIT}",
        partner_name="Saigon Cloud",
        customer_email=f"customer{number}@example.com",
        common_name=f"Công ty Minh Phát {number}",
        requested_by="lan@saigon-cloud.example",
        requested_at=NOW,
    )


def new_producer(bootstrap: str) -> AIOKafkaProducer:
    """Not started. As careful as the services' own, and as quick."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
    )


async def publish(bootstrap: str, prefix: str, events: Iterable[Event]) -> None:
    """Each acknowledged. Of a million, a few thousand are in memory at a time."""
    coming = iter(events)
    async with new_producer(bootstrap) as producer:
        while some := list(islice(coming, AT_ONCE)):
            sent = [
                await producer.send(
                    prefix + topic_of(type(event), "portal"), event.model_dump_json().encode(), key=event.key.encode()
                )
                for event in some
            ]
            await asyncio.gather(*sent)


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def drain(running: Servers, folder: Path, count: int) -> None:
    assert running.postgres
    prefix = f"drain-{count}-{uuid4().hex[:6]}."
    settings = KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers, kafka_topic_prefix=prefix)
    url = running.postgres.create_database(f"drain_{count}_{uuid4().hex[:6]}")
    await migrate(url, "registrar")
    await apply_topics(settings, 1)
    await publish(settings.kafka_bootstrap_servers, prefix, map(account, range(count)))
    await publish(settings.kafka_bootstrap_servers, prefix, map(request, range(count)))
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": prefix,
        "DATABASE_URL": url,
        "OPEN_LIMIT": str(OPEN_LIMIT),
    }
    command = [sys.executable, "-m", "cli", "serve", "registrar", "--port", "0"]
    registrar = process.start(command, log_path=folder / "registrar.log", env=environment)
    try:
        await watch(settings, registrar, count)
    finally:
        registrar.stop()


async def watch(settings: KafkaSettings, registrar: process.Process, count: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await consumer.start()
    opened = settings.kafka_topic_prefix + "registration-opened.v1"
    places = [TopicPartition(opened, number) for number in range(PARTITIONS)]
    started = first = time.monotonic()
    done = at_first = 0
    memory: list[float] = []
    try:
        while done < count:
            await asyncio.sleep(0.05)
            done = sum((await consumer.end_offsets(places)).values())
            memory.append(resident_mb(registrar.pid))
            if done and not at_first:
                first, at_first = time.monotonic(), done
    finally:
        await consumer.stop()
    took = time.monotonic() - first
    half = len(memory) // 2
    print(
        f"{count:>8} requests  {(count - at_first) / took:7.0f}/s  in {took:5.1f} s, after {first - started:4.1f} s "
        f"start and accounts;  memory at most {max(memory[:half]):.0f} MB in the first half, "
        f"{max(memory[half:]):.0f} MB in the second",
        flush=True,
    )


async def main(counts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as running:
        for count in counts:
            await drain(running, Path(folder), count)


if __name__ == "__main__":
    asyncio.run(main([int(word) for word in sys.argv[1:]] or [20_000]))
