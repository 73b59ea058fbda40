"""The portal's own schema on a real PostgreSQL, and browsers of signed-in people at the real application."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from itsdangerous import TimestampSigner
from pydantic import SecretStr
from sqlalchemy import text

from services.portal.app import create_app
from shared.database import Database
from shared.events import Locale
from shared.migrations import migrate
from shared.service import Service
from shared.settings import PortalSettings
from shared.web.person import Person, sign_in_person
from shared.web.sign_in import SignIn
from shared.web.site import Site
from shared.web.templating import Pages
from tests.services.portal.facts import START

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
async def portal(settings: PortalSettings, database_url: str) -> AsyncIterator[Service]:
    await migrate(database_url, "portal")
    service = create_app(settings, clock=lambda: START)
    yield service
    await service.database.close()


@pytest.fixture
def database(portal: Service) -> Database:
    return portal.database


@pytest.fixture
async def browse(portal: Service, settings: PortalSettings) -> AsyncIterator[Browse]:
    async with AsyncExitStack() as open_browsers:
        browsers: list[httpx2.AsyncClient] = []

        def opened(person: Person | None = AN, **headers: str) -> httpx2.AsyncClient:
            browser = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(portal.web),
                base_url=URL,
                cookies={"portal-8003": session_of(person, settings)} if person else {},
                headers={"origin": URL, **headers},
            )
            browsers.append(browser)
            open_browsers.push_async_callback(browser.aclose)
            return browser

        yield opened


def session_of(person: Person, settings: PortalSettings) -> str:
    """The cookie that sign-in would have set."""
    session: dict[str, Any] = {}
    sign_in_person(session, person, lambda: START)
    pages = Pages(Site("portal", URL), Path(), {})
    sign_in = SignIn(settings, pages, for_partners=True)
    secret = str(sign_in.middleware()[0].kwargs["secret_key"])
    return TimestampSigner(secret).sign(b64encode(json.dumps(session).encode())).decode()


async def rows(database: Database, sql: str) -> list[Mapping[str, Any]]:
    async with database.engine.connect() as connection:
        return [row._asdict() for row in await connection.execute(text(sql))]


async def published(database: Database) -> list[dict[str, Any]]:
    """What the relay will tell, in order."""
    found = await rows(database, "select type, payload from outbox order by position")
    assert {row["type"] for row in found} <= {"RegistrationRequested"}
    return [json.loads(row["payload"]) for row in found]
