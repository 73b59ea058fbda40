"""An environment in which all is well, of the test's own: topics, tables, and the session's mailbox and provider."""

from collections.abc import AsyncIterator

import pytest

from commands.kafka import apply_topics
from embedded import Servers
from shared.settings import KafkaSettings
from tests.commands.doctor.looking import Servants, serve_silence

OURS = {
    "PUBLIC_URL": "http://localhost:8000",
    "PORTAL_URL": "http://localhost:8001",
    "APPROVER_URL": "http://localhost:8002",
    "REVIEW_MAIL_TO": "reviews@vng.example",
    "MAIL_FROM": "registration@vngcloud.example",
    "LINK_SECRET": "a key for links of tests",
}


@pytest.fixture
def settings(
    running: Servers, database_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Every setting that the four services need; a test spoils one."""
    environment = {**running.environment(), "DATABASE_URL": database_url, "KAFKA_TOPIC_PREFIX": topic_prefix, **OURS}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
async def well(settings: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The same with topics."""
    await apply_topics(KafkaSettings(), 1, 1)
    return settings


@pytest.fixture
async def silence() -> AsyncIterator[str]:
    """host:port of a server that takes connections and never says a word."""
    async with serve_silence() as address:
        yield address


@pytest.fixture
async def servants() -> AsyncIterator[Servants]:
    """Makes HTTP servers that answer as a test says."""
    made = Servants()
    yield made
    await made.close()
