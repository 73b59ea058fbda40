"""Approver's real application on a real database, without Kafka."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from pydantic import SecretStr

from services.approver.app import create_app
from shared.service import Service
from shared.settings import ApproverSettings
from shared.web.person import Person
from tests.services.approver.staff import URL, Browse
from tests.services.conftest import MovableClock
from tests.sessions import browser, session_of


@pytest.fixture
def settings(database_url: str) -> ApproverSettings:
    return ApproverSettings(
        kafka_bootstrap_servers="localhost:1",  # never reached: the pages need no Kafka
        database_url=SecretStr(database_url),
        public_url=URL,
        oidc_issuer="http://localhost:1",
        oidc_client_id="approver",
        oidc_client_secret=SecretStr("a secret of the client"),
    )


@pytest.fixture
async def approver(settings: ApproverSettings, clock: MovableClock) -> AsyncIterator[Service]:
    service = create_app(settings, clock=clock)
    service.consumer.catching_up.done = True  # as it is once the accounts that were there at start have been read
    yield service
    await service.database.close()


@pytest.fixture
async def browse(approver: Service, settings: ApproverSettings, clock: MovableClock) -> AsyncIterator[Browse]:
    async with AsyncExitStack() as stack:

        def browse(who: Person | None) -> httpx2.AsyncClient:
            cookies = session_of(who, settings, "approver", clock) if who else {}
            opened = browser(approver.web, URL, cookies)
            stack.push_async_callback(opened.aclose)
            return opened

        yield browse
