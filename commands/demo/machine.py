"""What runs during the demo: the embedded servers, and the four services as processes of their own."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from pydantic import SecretStr

from commands.failures import Failed
from commands.kafka import apply_topics
from commands.migrate import migrate_all
from embedded import Servers, process, servers
from embedded.folders import emptied, owned
from embedded.ports import free_port
from embedded.process import Process
from shared.messaging.faults import in_words
from shared.settings import DatabaseSettings, KafkaSettings
from shared.topics import SERVICES

OPEN_LIMIT = 10
"""Small, so that the demo can show what happens beyond it."""

PARTITIONS = 2
"""Enough where each service runs once; each partition costs a start and a stop time."""

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Room:
    """Servers with tables and topics. `urls`: where the services are to listen; `environment`: their settings."""

    servers: Servers
    urls: dict[str, str]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Machine(Room):
    processes: dict[str, Process]


@contextmanager
def prepared(folder: Path, say: Callable[[str], None]) -> Iterator[Room]:
    """Servers up, tables and topics made; all is stopped at the end, however it ends. No service runs yet."""
    _refuse_foreign_people()
    _forget_the_last_demo(folder)
    with servers(folder, say) as started:
        urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        environment = {
            **os.environ,
            **started.environment(),
            **_settings(urls),
            **asyncio.run(_own_room(started)),
        }
        asyncio.run(_prepare(environment))
        yield Room(started, urls, environment)


@contextmanager
def running(folder: Path, say: Callable[[str], None]) -> Iterator[Machine]:
    """Everything up and ready; all of it is stopped at the end, however it ends."""
    folder /= "demo"
    with prepared(folder, say) as room, started(room, folder, say) as machine:
        yield machine


@contextmanager
def started(room: Room, folder: Path, say: Callable[[str], None]) -> Iterator[Machine]:
    """The services in `room`, ready; stopped at the end."""
    with ExitStack() as stack:
        processes = {name: _service(name, room.urls[name], room.environment, folder) for name in SERVICES}
        stack.callback(_stop, processes)
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(lambda name: processes[name].wait_until(ready(room.urls[name]), READY_SECONDS), processes))
        say("portal, registrar, notifier and approver are ready")
        yield Machine(room.servers, room.urls, room.environment, processes)


def _stop(processes: dict[str, Process]) -> None:
    """All at once: each finishes what it has in hand."""
    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(lambda one: one.stop(), processes.values()))


def _forget_the_last_demo(folder: Path) -> None:
    """Its customers are registered; this demo's are to be new."""
    with owned(folder):
        for server in ("kafka", "postgres"):
            emptied(folder / server)
        for log in folder.glob("*.log"):
            log.unlink()


async def _own_room(started: Servers) -> dict[str, str]:
    """On servers that are not the demo's own: a database and topics that no other demo has used."""
    mark = f"demo_{int(time.time())}"
    room = {}
    if started.kafka is None:
        room["KAFKA_TOPIC_PREFIX"] = f"{os.environ.get('KAFKA_TOPIC_PREFIX', '')}{mark}."
    if started.postgres is None:
        try:
            connection = await asyncpg.connect(started.database_url, timeout=10)
            await connection.execute(f'create database "{mark}"')
            await connection.close()
        except (asyncpg.PostgresError, OSError) as error:
            raise Failed(
                f"the demo could not make a database of its own at DATABASE_URL: {in_words(error)}; expected a role "
                f"that may create databases; or unset DATABASE_URL"
            ) from None
        room["DATABASE_URL"] = urlsplit(started.database_url)._replace(path=f"/{mark}").geturl()
    return room


def _refuse_foreign_people() -> None:
    for setting in ("SMTP_URL", "OIDC_ISSUER"):
        if os.environ.get(setting):
            raise Failed(
                f"{setting} is set, but the demo reads mails and signs in as made-up people; expected it unset "
                f"(KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL may name servers of yours); unset it and run again"
            )


def _settings(urls: dict[str, str]) -> dict[str, str]:
    """For all services alike; PUBLIC_URL is each one's own."""
    return {
        "PORTAL_URL": urls["portal"],
        "APPROVER_URL": urls["approver"],
        "REVIEW_MAIL_TO": "reviews@vng.example",
        "MAIL_FROM": "VNG Cloud <registration@vngcloud.example>",
        "LINK_SECRET": secrets.token_urlsafe(32),
        "OPEN_LIMIT": str(OPEN_LIMIT),
    }


async def _prepare(environment: dict[str, str]) -> None:
    """What an operator does by `registration migrate` and `registration topics apply`."""
    database = DatabaseSettings(database_url=SecretStr(environment["DATABASE_URL"]))
    await asyncio.gather(migrate_all(database), apply_topics(kafka_settings(environment), 1, PARTITIONS))


def kafka_settings(environment: dict[str, str]) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"],
        kafka_topic_prefix=environment.get("KAFKA_TOPIC_PREFIX", ""),
    )


def _service(name: str, url: str, environment: dict[str, str], folder: Path) -> Process:
    command = [sys.executable, "-m", "cli", "serve", name, "--port", url.rpartition(":")[2]]
    return process.start(command, log_path=folder / f"{name}.log", env={**environment, "PUBLIC_URL": url})


def ready(url: str) -> Callable[[], bool]:
    """Asked again and again while the services start: a client of httpx2 would read all certificates each time, and
    keep them from it."""
    place = urlsplit(url).netloc

    def is_ready() -> bool:
        connection = HTTPConnection(place, timeout=3)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return is_ready
