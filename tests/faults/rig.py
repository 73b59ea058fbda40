"""Real servers behind proxies, and the four services before them: in this process, or each as a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2

from commands.kafka import apply_topics
from commands.serve import SETTINGS, create
from embedded import process, report_to_stderr
from embedded.kafka import Kafka, Place, kafka
from embedded.mailbox import Mailbox, mailbox
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.process import Process
from shared.service import Service
from shared.settings import KafkaSettings
from shared.topics import SERVICES
from tests.faults.disturbances import Site
from tests.faults.proxy import Proxy

PARTITIONS = 2
STOPS_WITHIN = 20.0  # seconds
LISTENERS = """\
listeners=BROKER://127.0.0.1:{port},PROXIED://127.0.0.1:{proxied},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{port},PROXIED://127.0.0.1:{proxy}
listener.security.protocol.map=BROKER:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
"""


@contextmanager
def proxied_kafka(folder: Path, *, quick_start: bool = True) -> Iterator[tuple[Kafka, Proxy]]:
    """Clients that come through the proxy are led through it ever after; others go past it."""
    port, proxied, controller_port = (free_port() for _ in range(3))
    with Proxy(proxied) as proxy:
        listeners = LISTENERS.format(port=port, proxied=proxied, controller_port=controller_port, proxy=proxy.port)
        place = Place(port, controller_port, properties=listeners)
        with kafka(folder, report_to_stderr, quick_start=quick_start, disposable=True, place=place) as server:
            yield server, proxy


@dataclass(frozen=True)
class Rig:
    """Servers, proxies, tables and topics. `settings`: of all services, by the names of the environment."""

    site: Site
    mailbox: Mailbox
    folder: Path
    prefix: str
    urls: Mapping[str, str]
    settings: Mapping[str, str]

    def settings_of(self, service: str) -> Any:
        kind = SETTINGS[service]
        given = {name.lower(): value for name, value in {**self.settings, "PUBLIC_URL": self.urls[service]}.items()}
        return kind.model_validate({name: value for name, value in given.items() if name in kind.model_fields})

    @property
    def direct(self) -> KafkaSettings:
        """Past the proxy."""
        return KafkaSettings(kafka_bootstrap_servers=self.site.kafka.bootstrap_servers, kafka_topic_prefix=self.prefix)

    async def rows(self, sql: str, *arguments: object) -> list[Any]:
        """Past the proxy, with an administrator's rights."""
        connection = await asyncpg.connect(self.site.database_url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()


@contextmanager
def rig(folder: Path, postgres: Postgres, database_url: str, broker: tuple[Kafka, Proxy], prefix: str) -> Iterator[Rig]:
    """`database_url`: with the tables of all services."""
    server, before_kafka = broker
    with ExitStack() as stack:
        box = stack.enter_context(mailbox())
        before_postgres = stack.enter_context(Proxy(postgres.port))
        before_smtp = stack.enter_context(Proxy(int(box.smtp_url.rpartition(":")[2])))
        proxies = {"kafka": before_kafka, "postgres": before_postgres, "smtp": before_smtp}
        urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        made = Rig(
            Site(server, postgres, database_url, proxies),
            box,
            folder,
            prefix,
            urls,
            _settings(proxies, database_url, prefix, urls),
        )
        asyncio.run(apply_topics(made.direct, 1, PARTITIONS))
        yield made


def addresses(proxies: Mapping[str, Proxy], database_url: str) -> dict[str, str]:
    """The settings that lead services through the proxies."""
    direct = urlsplit(database_url)
    netloc = direct.netloc.rpartition(":")[0] + f":{proxies['postgres'].port}"
    return {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{proxies['kafka'].port}",
        "DATABASE_URL": urlunsplit(direct._replace(netloc=netloc)),
        "SMTP_URL": f"smtp://127.0.0.1:{proxies['smtp'].port}",
    }


def _settings(proxies: Mapping[str, Proxy], database_url: str, prefix: str, urls: Mapping[str, str]) -> dict[str, str]:
    return {
        **addresses(proxies, database_url),
        "KAFKA_TOPIC_PREFIX": prefix,
        "PORTAL_URL": urls["portal"],
        "APPROVER_URL": urls["approver"],
        "MAIL_FROM": "registration@vngcloud.example",
        "MAIL_CLAIM_FOR": "PT8S",
        "MAIL_RETRY_FIRST": "PT0.5S",
        "REVIEW_MAIL_TO": "reviews@vng.example",
        "LINK_SECRET": "a key for links of tests",
        "OIDC_ISSUER": "http://127.0.0.1:1",
        "OIDC_CLIENT_ID": "registration",
        "OIDC_CLIENT_SECRET": "a secret of the client",
    }


class Fleet(Protocol):
    """The four services at work."""

    async def readiness(self, service: str) -> dict[str, str] | None:
        """What each check says; None where nobody answers."""
        ...


async def asked(url: str) -> dict[str, str] | None:
    """What /readyz says of each check."""
    # Asked many times a second: reading all certificates, for which a plain address has no use, is what would cost.
    async with httpx2.AsyncClient(timeout=4, verify=False) as client:
        try:
            answer = await client.get(f"{url}/readyz")
        except httpx2.TransportError:
            return None
    return dict(json.loads(answer.text)["checks"])


def is_ready(checks: Mapping[str, str] | None) -> bool:
    return checks is not None and set(checks.values()) == {"ok"}


@dataclass(frozen=True)
class FleetHere:
    """In this process: quick to start, and its clocks and limits may be set."""

    urls: Mapping[str, str]
    services: Mapping[str, Service]

    async def readiness(self, service: str) -> dict[str, str] | None:
        return await asked(self.urls[service])


@asynccontextmanager
async def fleet_here(made: Rig) -> AsyncIterator[FleetHere]:
    async with AsyncExitStack() as stack:
        services = {name: create(name, made.settings_of(name)) for name in SERVICES}
        for name, service in services.items():
            await stack.enter_async_context(_serving(service, int(made.urls[name].rpartition(":")[2])))
        yield FleetHere(made.urls, services)


@asynccontextmanager
async def _serving(service: Service, port: int) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    serving = asyncio.create_task(service.serve("127.0.0.1", port, stopping))
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(STOPS_WITHIN):
            await serving


class FleetOfProcesses:
    """As they run in production."""

    def __init__(self, made: Rig) -> None:
        self._rig = made
        self._running: dict[str, Process] = {}

    def start(self, service: str) -> None:
        url = self._rig.urls[service]
        command = [sys.executable, "-m", "cli", "serve", service, "--port", url.rpartition(":")[2]]
        environment = {**os.environ, **self._rig.settings, "PUBLIC_URL": url}
        log = self._rig.folder / f"{service}.log"
        self._running[service] = process.start(command, log_path=log, env=environment, grace=STOPS_WITHIN)

    def stop(self, service: str) -> int:
        return self._running[service].stop()

    def kill(self, service: str) -> None:
        self._running[service].kill()

    async def readiness(self, service: str) -> dict[str, str] | None:
        return await asked(self._rig.urls[service])


@contextmanager
def fleet_of_processes(made: Rig) -> Iterator[FleetOfProcesses]:
    fleet = FleetOfProcesses(made)
    with ExitStack() as stack:
        for service in SERVICES:
            fleet.start(service)
            stack.callback(fleet.stop, service)
        yield fleet


async def all_ready(fleet: Fleet, within: float) -> None:
    """Raises TimeoutError that says what is not."""
    said: dict[str, dict[str, str] | None] = {}
    try:
        async with asyncio.timeout(within):
            while True:
                said = {service: await fleet.readiness(service) for service in SERVICES}
                if all(map(is_ready, said.values())):
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        waiting = {service: checks for service, checks in said.items() if not is_ready(checks)}
        raise TimeoutError(f"after {within:.0f} s these were not ready: {waiting}") from None
