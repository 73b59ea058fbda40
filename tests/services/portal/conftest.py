"""The portal's own schema on a real PostgreSQL, and browsers of signed-in people at the real application."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.portal.app import create_app
from shared.database import Database
from shared.events import Event, Locale, RegistrationRequested
from shared.service import Service
from shared.settings import PortalSettings
from shared.web.person import Person
from tests.services.conftest import MovableClock
from tests.services.portal.facts import START
from tests.sessions import browser, session_of

URL = "http://localhost:8003"

AN = Person("an@partner.example", "Nguyễn An", "p-1", "Đối tác A", frozenset({"partner"}), Locale.EN)
BINH = Person("binh@other.example", "Trần Bình", "p-2", "Đối tác B", frozenset({"partner"}), Locale.VI)
STAFF = Person("chi@vng.example", "Lê Chi", "p-1", "VNG", frozenset({"vng-reviewer"}), Locale.EN)

Browse = Callable[..., httpx2.AsyncClient]
"""A browser, signed in as a person or nobody."""


@pytest.fixture
def settings(database_url: str) -> PortalSettings:
    return PortalSettings(
        kafka_bootstrap_servers="localhost:1",  # never reached: the pages need no Kafka
        database_url=SecretStr(database_url),
        public_url=URL,
        oidc_issuer="http://localhost:1",
        oidc_client_id="portal",
        oidc_client_secret=SecretStr("a secret of the client"),
    )


@pytest.fixture
async def portal(settings: PortalSettings, clock: MovableClock) -> AsyncIterator[Service]:
    service = create_app(settings, clock=clock)
    yield service
    await service.database.close()


@pytest.fixture
def database(portal: Service) -> Database:
    return portal.database


@pytest.fixture
async def browse(portal: Service, settings: PortalSettings) -> AsyncIterator[Browse]:
    async with AsyncExitStack() as open_browsers:

        def browse(person: Person | None = AN, **headers: str) -> httpx2.AsyncClient:
            cookies = session_of(person, settings, "portal", lambda: START) if person else {}
            opened = browser(portal.web, URL, cookies, **headers)
            open_browsers.push_async_callback(opened.aclose)
            return opened

        yield browse


async def rows(database: Database, sql: str) -> list[Mapping[str, Any]]:
    async with database.engine.connect() as connection:
        return [row._asdict() for row in await connection.execute(text(sql))]


async def published(database: Database, *kinds: type[Event]) -> list[dict[str, Any]]:
    """What the relay will tell, in order: events of `kinds`, and no others but requests; without `kinds`, requests."""
    wanted = {kind.type() for kind in kinds or (RegistrationRequested,)}
    found = await rows(database, "select type, payload from outbox order by position")
    assert {row["type"] for row in found} <= {"RegistrationRequested", *wanted}
    return [json.loads(row["payload"]) for row in found if row["type"] in wanted]
