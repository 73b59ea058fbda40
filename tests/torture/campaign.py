"""The campaign: the four services under load, each killed at its points again and again, and everything else disturbed.
Then nothing is disturbed any more, everything drains, and the checker reads what is left.

The seed decides who is killed where, who is registered and what is disturbed when; what the processes do at once meets
as it meets.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from embedded.ports import free_port
from shared.settings import KafkaSettings
from shared.topics import SERVICES
from tests.faults.disturbances import Site
from tests.faults.rig import addresses
from tests.torture import evidence
from tests.torture.disturbances import DISTURBANCES, Scene
from tests.torture.fleet import Fleet
from tests.torture.haunting import Haunting
from tests.torture.load import Load
from tests.torture.people import PARTNERS, Mails, People
from tests.torture.plan import Plan
from tests.torture.postbox import Postbox, postbox
from tests.torture.report import Report
from tests.torture.watching import Watch

Lives = Callable[[Fleet, Plan, Report], Callable[[str, float], Coroutine[Any, Any, None]]]
Beside = Callable[[Fleet], Coroutine[Any, Any, None]]

STALLED = 120.0
"""Seconds without any change after which what is still under way hangs."""


class Campaign:
    """`settings` and `database_url` name topics and tables that are ready, and lead straight to them. The services
    come through the proxies of `site`; without one nothing is disturbed. `lives`: how services live and die; `beside`:
    runs while there is load. Used once."""

    def __init__(
        self, plan: Plan, settings: KafkaSettings, database_url: str, environment: Mapping[str, str], folder: Path,
        site: Site | None = None, lives: Lives = Haunting, beside: Beside | None = None,
    ) -> None:  # fmt: skip
        self.report = Report(plan.seed)
        self._plan = plan
        self._site = site
        self._mail_port = site.proxies["smtp"].upstream if site else free_port()
        self._settings = settings
        self._folder = folder
        self._urls = evidence.everywhere(database_url)
        self._watch = Watch(settings, self._urls)
        self._environment = {
            **environment,
            **plan.settings(),
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
            "DATABASE_URL": database_url,
            "SMTP_URL": f"smtp://127.0.0.1:{self._mail_port}",
            **(addresses(site.proxies, database_url) if site else {}),
        }
        self._ended = 0
        self._lives = lives
        self._beside = beside

    async def run(self) -> Report:
        mails = Mails()
        with postbox(mails.put_nowait, self._mail_port) as box:
            fleet = Fleet(self._environment, self._folder)
            people = People(fleet.environment, fleet.urls, mails)
            try:
                await self._torture(fleet, people, box)
            finally:
                await fleet.stop()
                await people.close()
            self.report.broken += people.surprises
            await self._judge(box)
        return self.report

    async def _torture(self, fleet: Fleet, people: People, box: Postbox) -> None:
        begun = time.monotonic()
        reading = asyncio.create_task(people.run())
        try:
            async with self._load() as load:
                await self._all_at_once(fleet, people, box, load, begun + self._plan.seconds)
                self.report.registrations = load.requested
            self.report.seconds["load"] = time.monotonic() - begun
            await self._drain(people)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _all_at_once(self, fleet: Fleet, people: People, box: Postbox, load: Load, until: float) -> None:
        """Load and disturbances go on until every service has died its deaths and lives again."""
        live, enough = self._lives(fleet, self._plan, self.report), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(enough))
            beside = group.create_task(self._beside(fleet)) if self._beside else None
            if self._site:
                group.create_task(self._disturb(Scene(self._site, fleet, box), enough))
            loading = group.create_task(self._register(load, people, enough))
            await asyncio.gather(*(live(name, until) for name in SERVICES), _until(until))
            enough.set()
            await loading
            if beside:
                beside.cancel()

    async def _disturb(self, scene: Scene, enough: asyncio.Event) -> None:
        """None is cut short: what was taken away comes back."""
        chance = Random(f"{self._plan.seed} disturbances")
        names, weights = list(DISTURBANCES), [weight for _disturbance, weight in DISTURBANCES.values()]
        while not await _is_set_within(chance.uniform(*self._plan.pause), enough):
            [name] = chance.choices(names, weights)
            disturbance, _weight = DISTURBANCES[name]
            try:
                await disturbance(scene, chance)
            except Exception as error:
                self.report.broken.append(f"{name}: {type(error).__name__}: {error}")
            else:
                self.report.disturbances[name] += 1

    async def _register(self, load: Load, people: People, enough: asyncio.Event) -> None:
        """Waves of a second, while there is room for them; then the last."""
        await load.open_pool()
        while not enough.is_set():
            next_at = time.monotonic() + 1
            if load.requested - self._ended < self._plan.window:
                await _send(people, await load.wave(self._plan.rate))
            await _is_set_within(next_at - time.monotonic(), enough)
        await _send(people, await load.last())

    async def _follow(self, enough: asyncio.Event) -> None:
        """How many registrations have ended. Never cancelled: a client of aiokafka that is cancelled while it starts
        leaves a connection open."""
        while not await _is_set_within(1, enough):
            with suppress(KafkaError, OSError):
                self._ended = await self._watch.ended()

    @asynccontextmanager
    async def _load(self) -> AsyncIterator[Load]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            linger_ms=5,
            acks="all",
            enable_idempotence=True,
        )
        await producer.start()
        try:
            chance = Random(f"{self._plan.seed} load")
            yield Load(producer, self._settings.kafka_topic_prefix, chance, self._plan.mix, PARTNERS)
        finally:
            await producer.stop()

    async def _drain(self, people: People) -> None:
        """Until nothing is under way and nothing is open; what stays open without anything under way is lost."""
        begun = quiet_since = moved_at = time.monotonic()
        before: tuple[dict[str, int], dict[str, int]] | None = None
        while True:
            under_way = await self._watch.under_way()
            statuses = await self._watch.statuses()
            now = time.monotonic()
            if under_way or not people.idle:
                quiet_since = now
            if before != (under_way, statuses):
                before, moved_at = (under_way, statuses), now
            still_open = {name: count for name, count in statuses.items() if name.startswith("awaiting")}
            if now - quiet_since > (self._plan.patience if still_open else 1):
                break
            if now - moved_at > STALLED:
                self.report.broken.append(f"nothing moved for {STALLED:.0f} s, and still under way: {under_way}")
                break
            await asyncio.sleep(0.5)
        self.report.statuses = statuses
        self.report.seconds["drained after"] = time.monotonic() - begun
        if still_open or sum(statuses.values()) != self.report.registrations:
            wanted = f"{self.report.registrations} registrations, each at an end"
            self.report.broken.append(f"registrar has {statuses}; expected {wanted}")

    async def _judge(self, box: Postbox) -> None:
        begun = time.monotonic()
        self.report.findings = await evidence.findings(
            self._settings, self._urls, box.received, self._plan.rules(), duplicates_allowed=True
        )
        self.report.seconds["judged in"] = time.monotonic() - begun


async def _send(people: People, forms: list[tuple[int, list[str]]]) -> None:
    await asyncio.gather(*(people.register(partner, emails) for partner, emails in forms))


async def _is_set_within(seconds: float, it: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await it.wait()
    return it.is_set()


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
