"""The whole system as an operator runs it: four services as processes, on real Kafka, PostgreSQL, mail and sign-in."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, BrowserContext, Page
from pydantic import SecretStr

from commands.demo.people import link_in
from commands.kafka import apply_topics
from commands.lists import import_accounts
from embedded import Servers
from embedded.mailbox import Mail, Mailbox
from embedded.ports import free_port
from embedded.process import Process
from shared.events import Event, Locale
from shared.settings import ServiceSettings
from shared.topics import SERVICES, topic_of
from shared.web.person import Person
from tests.browser import chromium
from tests.browser.story import account, partners
from tests.integration.conftest import PATIENCE, World, moment

ACCOUNTS = Path(__file__).resolve().parents[2] / "examples" / "accounts.csv"
_numbers = itertools.count(1)


@dataclass
class Machine:
    world: World
    urls: dict[str, str]
    mailbox: Mailbox
    producer: AIOKafkaProducer
    database: Any
    """A connection that sees the tables of all services."""

    async def rows(self, service: str, sql: str) -> list[Any]:
        await self.database.execute(f"set search_path to {service}")
        return list(await self.database.fetch(sql))

    async def until(self, service: str, sql: str, holds: Callable[[list[Any]], bool] = bool) -> list[Any]:
        """The rows once they are as expected."""
        async with asyncio.timeout(PATIENCE):
            while not holds(found := await self.rows(service, sql)):
                await moment()
        return found

    async def tell(self, *events: Event) -> None:
        """As another system does; acknowledged on return."""
        sent = [
            await self.producer.send(
                self.world.prefix + topic_of(type(event), "portal"), event.model_dump_json().encode(),
                key=event.key.encode(),
            )
            for event in events
        ]  # fmt: skip
        await asyncio.gather(*sent)

    async def account(self, name: str, **facts: Any) -> str:
        """A new account at VNG, which registrar knows of: its address."""
        email = f"{name}{next(_numbers)}@minhphat.example"
        await self.tell(account(email, **facts))
        known = f"select 1 from accounts where email = '{email}'"
        for service in ("registrar", "approver"):
            await self.until(service, known)
        return email

    async def account_again(self, email: str, **facts: Any) -> None:
        """The account changes; approver has read it on return."""
        await self.tell(account(email, version=2, **facts))
        await self.until("approver", f"select version from accounts where email = '{email}'", lambda it: it[0][0] == 2)

    async def mail(self, to: str, after: int = 0) -> Mail:
        return await asyncio.to_thread(self.mailbox.wait_for, to=to, after=after, timeout=PATIENCE)

    async def post(self, address: str, fields: dict[str, str] | None = None) -> None:
        """What a form without more to it sends, for steps that another test looks at."""
        async with httpx2.AsyncClient(headers={"Sec-Fetch-Site": "same-origin"}) as client:
            (await client.post(address, data=fields or {})).raise_for_status()

    async def confirmation_link(self, email: str) -> str:
        return link_in((await self.mail(email)).text)


@asynccontextmanager
async def machine(running: Servers, database_url: str, folder: Path) -> AsyncIterator[Machine]:
    assert running.mailbox
    settings = ServiceSettings(
        kafka_bootstrap_servers=running.kafka_bootstrap_servers,
        kafka_topic_prefix="browser.",
        database_url=SecretStr(database_url),
    )
    ports = {name: free_port() for name in SERVICES}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    world = World(settings, running, folder, {"PORTAL_URL": urls["portal"], "APPROVER_URL": urls["approver"]})
    await apply_topics(settings, 1, 1)
    processes = [world.start(name, ports[name])[0] for name in SERVICES]
    producer = AIOKafkaProducer(bootstrap_servers=running.kafka_bootstrap_servers, acks="all")
    database = await asyncpg.connect(database_url)
    try:
        await producer.start()
        await import_accounts(settings, ACCOUNTS)
        async with asyncio.timeout(PATIENCE), httpx2.AsyncClient() as client:
            await asyncio.gather(*(_ready(client, url) for url in urls.values()))
        yield Machine(world, urls, running.mailbox, producer, database)
    finally:
        await producer.stop()
        await database.close()
        await asyncio.gather(*(asyncio.to_thread(Process.stop, one) for one in processes))


async def _ready(client: httpx2.AsyncClient, url: str) -> None:
    while True:
        try:
            if (await client.get(f"{url}/readyz")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await moment()


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser, at one service."""

    person: Person | None
    page: Page
    url: str

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)


class Visitors:
    """Whoever comes in one test, each with a browser of their own. What their pages may not do fails the test."""

    def __init__(self, machine: Machine, browser: Browser) -> None:
        self._machine = machine
        self._browser = browser
        self._stack = AsyncExitStack()
        self._watches: list[chromium.Watch] = []

    async def partner(
        self, name: str = "Nguyễn Thị Lan", partner: str = "", locale: Locale = Locale.EN, **options: Any
    ) -> Visitor:
        """Signed in at the portal; of a partner of the test's own where none is named."""
        return await self.signed_in(partners(name, partner or f"Saigon Cloud {next(_numbers)}", locale), **options)

    async def staff(self, name: str = "hoa", *roles: str, locale: Locale = Locale.EN, **options: Any) -> Visitor:
        """Signed in at approver."""
        email = f"{name}{next(_numbers)}@vng.example"
        person = Person(email, name.title(), None, None, frozenset(roles or ("vng-reviewer",)), locale)
        return await self.signed_in(person, **options)

    async def signed_in(self, person: Person, **options: Any) -> Visitor:
        service = "portal" if person.partner_id else "approver"
        visitor = await self.anybody(service, person, **options)
        await visitor.page.context.add_cookies(await self._session(person, visitor.url))
        return visitor

    async def anybody(self, service: str, person: Person | None = None, **options: Any) -> Visitor:
        """Not signed in."""
        context: BrowserContext = await chromium.new_context(self._browser, **options)
        self._stack.push_async_callback(context.close)
        url = self._machine.urls[service]
        self._watches.append(chromium.watched(context, *self._machine.urls.values(), provider=self._issuer))
        return Visitor(person, await context.new_page(), url)

    def allow(self, origin: str) -> None:
        """A site that the test makes up."""
        for watch in self._watches:
            watch.allowed |= {origin}

    async def known_to_the_provider(self, person: Person) -> None:
        claims = {"email": person.email, "name": person.name, "roles": sorted(person.roles), "locale": person.locale}
        if person.partner_id:
            claims |= {"partner_id": person.partner_id, "partner_name": person.partner_name}
        async with httpx2.AsyncClient() as client:
            (await client.put(f"{self._issuer}/users/{person.email}", json=claims)).raise_for_status()

    @property
    def _issuer(self) -> str:
        return self._machine.world.servers.oidc_issuer

    async def _session(self, person: Person, url: str) -> list[Any]:
        """The cookie that the real sign-in sets: the provider is asked, and answers to the service."""
        await self.known_to_the_provider(person)
        async with httpx2.AsyncClient(follow_redirects=True) as client:
            asked = await client.get(f"{url}/auth/sign-in?next=/auth/signed-in")
            answer = await client.post(asked.url, data={"sub": person.email})
            assert answer.status_code == 200 and str(answer.url).startswith(url), answer.url
            return [{"name": it.name, "value": it.value, "url": url} for it in client.cookies.jar]

    async def leave(self) -> list[str]:
        await self._stack.aclose()
        return [line for watch in self._watches for line in watch.problems]


def id_in(url: str) -> str:
    found = re.search(r"[0-9a-f-]{36}", url)
    assert found, url
    return found[0]
