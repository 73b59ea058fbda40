"""The campaign of many instances, phase by phase. Load and probes go on throughout."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2
from aiokafka import AIOKafkaProducer

from checker import Finding
from embedded.kafka import Kafka
from shared.settings import KafkaSettings
from shared.topics import SERVICES
from tests.many.balancer import balancer
from tests.many.instances import HOW_MANY, NAMES, Instances
from tests.many.probes import Probes
from tests.torture import evidence
from tests.torture.load import Load
from tests.torture.people import PARTNERS, Mails, People
from tests.torture.plan import Plan
from tests.torture.postbox import Postbox, postbox
from tests.torture.soak import MIX
from tests.torture.watching import Watch

WAVE = 4  # registrations a second, beside the probes
QUIET = 20.0  # seconds of load before anything is disturbed
SETTLING = 12.0  # seconds after each disturbance
READY_FOR = 5.0  # seconds before the next one is restarted: the chart's minReadySeconds
PATIENCE = 300.0  # seconds
MOVES_WITHIN = 10.0  # seconds, the share of one that is killed
PAUSES_AT_MOST = 2.0  # seconds, at a rolling restart


@dataclass
class Report:
    handled: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    live: dict[str, bool] = field(default_factory=dict)
    registrations: int = 0
    findings: list[Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        lines = [f"{self.registrations} registrations"]
        for service in HOW_MANY:
            shares = {name: count for name, count in self.handled.items() if name.startswith(service)}
            parts = ", ".join(f"{count / (sum(shares.values()) or 1):.0%}" for count in shares.values())
            lines.append(f"{service}: records shared {parts}")
        lines += [f"an open page on {name} heard of a change: {heard}" for name, heard in self.live.items()]
        lines += [f"longest wait of a request, {name}: {wait:.1f} s" for name, wait in self.waits.items()]
        lines.append(f"{len(self.findings)} findings of the checker, {len(self.broken)} of the campaign")
        lines += [f"  {it.promise} {it.registration_id}: {it.detail}" for it in self.findings[:20]]
        return lines + [f"  {it}" for it in self.broken[:20]]


class Campaign:
    """`urls`: the services' databases. Used once."""

    def __init__(
        self,
        settings: KafkaSettings,
        urls: Mapping[str, str],
        brokers: Sequence[Kafka],
        environment: Mapping[str, str],
        folder: Path,
        mail_port: int,
    ) -> None:
        self.report = Report()
        self._settings = settings
        self._urls = urls
        self._brokers = brokers
        self._folder = folder
        self._mail_port = mail_port
        self._plan = Plan(seed=1, deaths={}, mix=MIX, rate=WAVE)
        self._environment = {**environment, **self._plan.settings(), "DATABASE_URL": urls["portal"]}
        self._probes = Probes(settings)
        self._watch = Watch(settings, urls)

    async def run(self) -> Report:
        mails = Mails()
        with postbox(mails.put_nowait, self._mail_port) as box:
            async with self._instances() as (instances, addresses):
                people = People(instances.environment, addresses, mails)
                reading = asyncio.create_task(people.run())
                await self._under_load(instances, people)
                await self._drained(people)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                await people.close()
                self.report.handled = await instances.handled()
            self.report.broken += people.surprises
            await self._judge(box)
        return self.report

    @asynccontextmanager
    async def _instances(self) -> AsyncIterator[tuple[Instances, dict[str, str]]]:
        """And the address of each service, behind which its instances stand."""
        own: dict[str, dict[str, str]] = {service: {"DATABASE_URL": url} for service, url in self._urls.items()}
        instances = Instances({}, own, self._folder)
        async with AsyncExitStack() as stack:
            addresses = {}
            for service in SERVICES:
                ports = [port for name, port in instances.ports.items() if name.startswith(service)]
                addresses[service] = f"http://127.0.0.1:{await stack.enter_async_context(balancer(ports))}"
                own[service]["PUBLIC_URL"] = addresses[service]
            instances.environment = {
                **self._environment,
                "PORTAL_URL": addresses["portal"],
                "APPROVER_URL": addresses["approver"],
            }
            stack.push_async_callback(instances.stop)
            for name in NAMES:
                instances.start(name)
            await instances.ready(*NAMES)
            yield instances, addresses

    async def _under_load(self, instances: Instances, people: People) -> None:
        enough = asyncio.Event()
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers, acks="all", enable_idempotence=True
        )
        async with producer, self._probes.running():
            load = Load(producer, "", Random(1), self._plan.mix, PARTNERS)
            loading = asyncio.create_task(self._register(load, people, enough))
            for name, disturb in self._phases(instances, people):
                self._probes.phase(name)
                print(name, flush=True)
                await disturb()
                await asyncio.sleep(SETTLING)
            enough.set()
            await loading
        self.report.registrations = load.requested + len(self._probes.sent)

    def _phases(self, instances: Instances, people: People) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        async def nothing() -> None:
            await asyncio.sleep(QUIET)

        async def pages() -> None:
            for name in ("portal 1", "portal 2"):
                self.report.live[name] = await self._hears(instances.url(name), people)

        async def kill_registrar() -> None:
            await instances.kill("registrar 3")

        async def kill_broker() -> None:
            instances.start("registrar 3")
            await instances.ready("registrar 3")
            await asyncio.to_thread(self._brokers[0].kill)
            await asyncio.sleep(SETTLING)
            await asyncio.to_thread(self._brokers[0].start)

        async def roll() -> None:
            for name in NAMES:
                if status := await instances.restart(name):
                    self.report.broken.append(f"{name} was told to stop and ended with {status}")
                await asyncio.sleep(READY_FOR)

        return [
            ("all is quiet", nothing),
            ("pages are open", pages),
            ("a registrar is killed", kill_registrar),
            ("a broker is killed", kill_broker),
            ("all are restarted in turn", roll),
        ]

    async def _hears(self, portal: str, people: People) -> bool:
        """Whether a page of a partner that is open there is told of a change, wherever it was made."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in people.cookies_of_partner(0).items())}
        address = f"{portal}/accounts/changes?since={time.time() + 10}"
        async with httpx2.AsyncClient(timeout=60) as client, client.stream("GET", address, headers=headers) as stream:
            async for line in stream.aiter_lines():
                if line == "event: changed":
                    return True
        return False

    async def _register(self, load: Load, people: People, enough: asyncio.Event) -> None:
        await load.open_pool()
        while not enough.is_set():
            forms = await load.wave(self._plan.rate)
            await asyncio.gather(*(people.register(partner, emails) for partner, emails in forms), asyncio.sleep(1))
        await asyncio.gather(*(people.register(partner, emails) for partner, emails in await load.last()))

    async def _drained(self, people: People) -> None:
        """Until nothing is under way, and nothing open: customers who ignore their mail run out of time."""
        begun = time.monotonic()
        while True:
            under_way, statuses = await self._watch.under_way(), await self._watch.statuses()
            still_open = [name for name in statuses if name.startswith("awaiting")]
            if people.idle and not under_way and not still_open:
                break
            if time.monotonic() - begun > PATIENCE:
                self.report.broken.append(f"after {PATIENCE:.0f} s under way: {under_way}, {statuses}")
                break
            await asyncio.sleep(0.5)
        if sum(statuses.values()) != self.report.registrations:
            self.report.broken.append(f"registrar has {statuses}; expected {self.report.registrations} in all")

    async def _judge(self, box: Postbox) -> None:
        self.report.waits = await self._probes.longest_waits()
        self._limit("a registrar is killed", MOVES_WITHIN)
        self._limit("all are restarted in turn", PAUSES_AT_MOST)
        self.report.broken += [
            f"no page on {name} heard of a change" for name, it in self.report.live.items() if not it
        ]
        self.report.broken += [f"{name} stored nothing" for name, count in self.report.handled.items() if not count]
        self.report.findings = await evidence.findings(
            self._settings, self._urls, box.received, self._plan.rules(), duplicates_allowed=True
        )

    def _limit(self, phase: str, seconds: float) -> None:
        if self.report.waits[phase] > seconds:
            self.report.broken.append(f"a request waited longer than {seconds:.0f} s when {phase}")
