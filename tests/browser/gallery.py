"""The services' real pages on a clock that stands still, each brought into the state to look at by hearing events.

Three of them with one database, and two more approvers: one that has nothing to do, and one that has not read the
account facts yet. Kafka is not needed for this; what the services do together is looked at in the journeys.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from embedded.ports import free_port
from services.notifier.links import Links
from services.portal import store
from shared.events import Event, Locale, RegistrationRequested
from shared.service import Service
from shared.settings import ApproverSettings, NotifierSettings, PortalSettings, ServiceSettings
from shared.web.person import Person
from shared.web.server import serve
from shared.web.site import Site
from tests.browser.story import DAY, MONDAY
from tests.databases import Databases
from tests.sessions import session_of

SECRET = "a key for links of tests"
CLOCK_STANDS_AT = MONDAY + 4 * DAY  # a Friday


class StillClock:
    """Moved by hand only."""

    def __init__(self) -> None:
        self.now = CLOCK_STANDS_AT

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Room:
    """One service with its pages."""

    service: Service
    settings: Any

    @property
    def site(self) -> Site:
        return Site(self.service.name, self.settings.public_url)

    @property
    def url(self) -> str:
        return str(self.settings.public_url)


class Gallery:
    def __init__(self, rooms: dict[str, Room], clock: StillClock) -> None:
        self.rooms = rooms
        self.clock = clock
        self.links = Links(rooms["notifier"].url, [SECRET])

    async def hears(self, room: str, *events: Event) -> None:
        """One after the other, as from Kafka."""
        service = self.rooms[room].service
        for event in events:
            async with service.database.transaction() as tx:
                await service.consumer.inbox.handler_of(type(event))([event], tx)

    async def requests(self, *requests: RegistrationRequested) -> None:
        """As the portal's form does."""
        async with self.rooms["portal"].service.database.transaction(requests[0].requested_at) as tx:
            await store.request(tx, requests)

    def cookies(self, room: str, person: Person | None, locale: Locale) -> dict[str, str]:
        """Of a browser that is signed in as `person` and reads `locale`."""
        it = self.rooms[room]
        session = session_of(person, it.settings, it.service.name, self.clock) if person else {}
        return {it.site.cookie_name("language"): locale.value, **session}


@asynccontextmanager
async def gallery(databases: Databases) -> AsyncIterator[Gallery]:
    clock = StillClock()
    database = await databases.migrated()
    elsewhere = await databases.migrated()
    nowhere = urlsplit(database)._replace(path="/no_such_database").geturl()
    rooms = {
        "portal": _room("portal", database, clock),
        "approver": _room("approver", database, clock),
        "notifier": _room("notifier", database, clock),
        "refusing notifier": _room("notifier", elsewhere, clock),
        "idle approver": _room("approver", elsewhere, clock),
        "starting approver": _room("approver", database, clock, caught_up=False),
        "portal without database": _room("portal", nowhere, clock),
    }
    stopping = asyncio.Event()
    pages = [asyncio.create_task(serve(it.service.web, "127.0.0.1", it.site.port)) for it in rooms.values()]
    listening = [asyncio.create_task(rooms[name].service.changes.run(stopping)) for name in ("portal", "approver")]
    try:
        yield Gallery(rooms, clock)
    finally:
        stopping.set()
        for task in pages:
            task.cancel()
        await asyncio.gather(*pages, *listening, return_exceptions=True)
        for it in rooms.values():
            await it.service.database.close()


def _room(kind: str, database_url: str, clock: StillClock, *, caught_up: bool = True) -> Room:
    settings = _settings(kind, database_url, f"http://127.0.0.1:{free_port()}")
    service = import_module(f"services.{kind}.app").create_app(settings, clock=clock)
    service.consumer.catching_up.done = caught_up
    return Room(service, settings)


def _settings(kind: str, database_url: str, url: str) -> ServiceSettings:
    base: dict[str, Any] = {
        "kafka_bootstrap_servers": "127.0.0.1:1",  # never reached
        "database_url": SecretStr(database_url),
        "public_url": url,
    }
    sign_in: dict[str, Any] = {
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_id": "tests",
        "oidc_client_secret": SecretStr("a secret of the client"),
    }
    match kind:
        case "portal":
            return PortalSettings(**base, **sign_in)
        case "approver":
            return ApproverSettings(**base, **sign_in)
        case _:
            return NotifierSettings(
                **base,
                portal_url="http://127.0.0.1:2",
                approver_url="http://127.0.0.1:3",
                review_mail_to=["reviews@vng.example"],
                smtp_url=SecretStr("smtp://127.0.0.1:4"),
                mail_from="VNG Cloud <registration@vngcloud.example>",
                link_secret=[SecretStr(SECRET)],
            )
