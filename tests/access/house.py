"""The real applications of all services on one database, without Kafka, and one registration for each thing tried."""

import asyncio
import io
import itertools
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from pydantic import SecretStr
from sqlalchemy import text
from starlette.routing import Mount, Route

from commands.serve import SETTINGS
from services.approver import claims, store
from services.approver.app import create_app as approver
from services.approver.claims import Reviewer
from services.approver.domain import Decided
from services.notifier.app import create_app as notifier
from services.notifier.links import Links
from services.portal.app import create_app as portal
from services.registrar.app import create_app as registrar
from shared.events import CustomerConfirmed, Event, Locale, RegistrationOpened
from shared.service import Service
from shared.topics import SERVICES
from shared.web.person import Person
from tests.domain.facts import NOW, account_updated
from tests.sessions import session_of

CREATE: dict[str, Any] = {"registrar": registrar, "notifier": notifier, "approver": approver, "portal": portal}
URLS = {name: f"http://localhost:{8001 + n}" for n, name in enumerate(SERVICES)}
SECRET = "a key for links of tests"
MAIN = {"portal": "registrations", "notifier": "confirmations", "approver": "cases", "registrar": "registrations"}
OTHER_REVIEWER = Reviewer("chi@vng.example", is_admin=False)
_QUARANTINE = text(
    """insert into quarantine (topic, partition, "offset", value, headers, reason, state, quarantined_at)
    values (:topic, 0, :offset, :value, '[]', 'undecodable', 'quarantined', :now) returning id"""
)
NO_HEADERS: Mapping[str, str | None] = {}
_numbers = itertools.count(1)


def settings_of(service: str, database_url: str, **more: Any) -> Any:
    """For pages only: neither Kafka nor a provider is ever reached."""
    values: dict[str, Any] = {
        "kafka_bootstrap_servers": "localhost:1",
        "database_url": SecretStr(database_url),
        "public_url": URLS[service],
        "oidc_issuer": "http://localhost:1",
        "oidc_client_id": service,
        "oidc_client_secret": SecretStr("a secret of the client"),
        "portal_url": URLS["portal"],
        "approver_url": URLS["approver"],
        "review_mail_to": ["reviews@vng.example"],
        "smtp_url": SecretStr("smtp://localhost:1"),
        "mail_from": "registration@vngcloud.example",
        "link_secret": [SecretStr(SECRET)],
        **more,
    }
    kind = SETTINGS[service]
    return kind(**{name: value for name, value in values.items() if name in kind.model_fields})


@dataclass
class Matter:
    """A registration, as each service that has it knows it, and whose it is. Everybody in it is of this test alone."""

    number: int = field(default_factory=lambda: next(_numbers))
    registration_id: UUID = field(default_factory=uuid4)
    record: int = 0
    """Its number in quarantine; 0: it is not there."""
    name: str = "Công ty A"
    """Of everybody who has one."""

    @property
    def words(self) -> str:
        """By which it is searched for."""
        return f"khach{self.number:05}"

    @property
    def email(self) -> str:
        return f"{self.words}@example.com"

    @property
    def partner_id(self) -> str:
        return f"p-{self.number}"

    @property
    def token(self) -> str:
        return Links("", [SECRET]).token(self.registration_id)

    @property
    def forged(self) -> str:
        """The nearest that somebody comes who knows the registration's id."""
        return Links("", ["a key that was never ours"]).token(self.registration_id)

    def about(self) -> dict[str, Any]:
        return {
            "registration_id": self.registration_id,
            "partner_id": self.partner_id,
            "partner_name": self.name,
            "customer_email": self.email,
            "common_name": self.name,
            "role": "Partner",
        }

    def opened(self) -> RegistrationOpened:
        by = "lan@partner.example"
        return RegistrationOpened(
            **self.about(), requested_by=by, requester_locale=Locale.EN, locale=Locale.EN, opened_at=NOW
        )

    def person(self, who: str) -> Person | None:
        """By the name of the table's column; None for people who never sign in."""
        partners = {"partner": (self.partner_id, self.name), "stranger": (f"s-{self.number}", self.name)}
        roles = {"partner": "partner", "stranger": "partner", "reviewer": "vng-reviewer", "admin": "vng-admin"}
        if who not in roles:
            return None
        partner_id, partner_name = partners.get(who, (None, None))
        return Person(f"{who}@people.example", self.name, partner_id, partner_name, frozenset({roles[who]}), None)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        if self.body.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(self.body)) as book:
                return "".join(book.read(name).decode(errors="replace") for name in book.namelist())
        return self.body.decode(errors="replace")

    @property
    def leads_to(self) -> str:
        return self.headers.get("location", "")


class House:
    """`services` are those that are tried; `more` are settings."""

    def __init__(self, database_url: str, services: Sequence[str] = SERVICES, **more: Any) -> None:
        self.now = NOW
        self.settings = {name: settings_of(name, database_url, **more) for name in services}
        self.services: dict[str, Service] = {}
        for name, settings in self.settings.items():
            self.services[name] = CREATE[name](settings, clock=lambda: self.now)
            self.services[name].consumer.catching_up.done = True

    async def close(self) -> None:
        for service in self.services.values():
            await service.database.close()

    def routes(self, service: str) -> set[tuple[str, str]]:
        """Method and path of all that the application answers; HEAD goes with GET."""
        web: Any = self.services[service].web
        found = set()
        for route in getattr(web, "app", web).routes:
            assert isinstance(route, Route | Mount)
            methods = route.methods if isinstance(route, Route) and route.methods else {"GET"}
            found |= {(method, route.path) for method in methods - {"HEAD"}}
        return found

    async def hears(self, service: str, *events: Event) -> None:
        it = self.services[service]
        for event in events:
            async with it.database.transaction() as tx:
                await it.consumer.inbox.handler_of(type(event))([event], tx)

    async def prepare(self, service: str, matter: Matter, given: str) -> None:
        """`given`: open; claimed (by another reviewer); ineligible (the account, meanwhile); record (in quarantine)."""
        if given == "record":
            matter.record = await self._quarantine(service, matter)
        elif service in {"portal", "notifier"}:
            await self.hears(service, matter.opened())
        elif service == "approver":
            account = account_updated(matter.email)
            await self.hears(service, account, CustomerConfirmed(**matter.about(), confirmed_at=NOW))
            if given == "claimed":
                await self._claim(matter)
            elif given == "ineligible":
                await self.hears(service, account_updated(matter.email, version=2, credit_balance=5))

    async def _quarantine(self, service: str, matter: Matter) -> int:
        """A record that would be accepted now."""
        event = CustomerConfirmed(**matter.about(), confirmed_at=NOW)
        values = {"topic": "customer-confirmed.v1", "offset": matter.number, "value": event.model_dump_json().encode()}
        async with self.services[service].database.engine.begin() as connection:
            return int((await connection.execute(_QUARANTINE, values | {"now": NOW})).scalar_one())

    async def _claim(self, matter: Matter) -> None:
        async with self.services["approver"].database.transaction() as tx:
            case = (await store.lock(tx, [matter.registration_id]))[matter.registration_id]
            claimed = claims.claim(case, OTHER_REVIEWER, timedelta(hours=4), tx.now)
            assert isinstance(claimed, Decided)
            await store.save(tx, claimed)

    def cookies(self, service: str, who: Person | None) -> dict[str, str]:
        """Of a browser whose person, if any, has signed in to `service`."""
        return session_of(who, self.settings[service], service, lambda: self.now) if who else {}

    async def stands(self, service: str, matter: Matter) -> list[object]:
        """What a request may have changed: the registration, the histories and what is told."""
        sql = f"""select (select count(*) from history), (select count(*) from outbox),
            (select count(*) from quarantine where state = 'quarantined'),
            (select it::text from {MAIN[service]} as it where registration_id = '{matter.registration_id}')"""
        async with self.services[service].database.engine.connect() as connection:
            return list((await connection.execute(text(sql))).one())

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        who: Person | None = None,
        form: Mapping[str, Any] | None = None,
        client: str = "127.0.0.1",
        headers: Mapping[str, str | None] = NO_HEADERS,
    ) -> Answer:
        """As a browser asks from one of our pages, but for these `headers`; one that is None is not sent."""
        cookies = self.cookies(service, who)
        sent: dict[str, str | None] = {
            "origin": URLS[service],
            "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "content-type": "application/x-www-form-urlencoded",
            **headers,
        }
        lines = [(name.encode(), value.encode()) for name, value in sent.items() if value is not None]
        return await answer_of(
            self.services[service].web, method, path, lines, urlencode(form or {}, doseq=True), client
        )


async def answer_of(
    web: Any, method: str, address: str, headers: list[tuple[bytes, bytes]], body: str, client: str
) -> Answer:
    """What an application answers; of a stream that never ends, its beginning."""
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": headers, "client": (client, 50000), "server": ("localhost", 80),
    }  # fmt: skip
    asked, leaves = [{"type": "http.request", "body": body.encode(), "more_body": False}], asyncio.Event()
    begun: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            begun.update(status=message["status"], headers=message["headers"])
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if _is_stream(begun["headers"]):
                leaves.set()

    async with asyncio.timeout(30):
        await web(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in begun["headers"]}
    return Answer(begun["status"], told, b"".join(parts))


def _is_stream(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)
