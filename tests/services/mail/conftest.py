"""A notifier without its consumers, and a mail server that answers what a test says."""

from collections.abc import Iterator

import pytest

from services.notifier.mail import sender
from shared.database import Database
from tests.services.conftest import Open
from tests.services.scripted_smtp import ScriptedServer, scripted_server


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is moved by hand wakes no sender."""
    monkeypatch.setattr(sender, "POLL", 0.02)


@pytest.fixture
async def notifier(open_database: Open) -> Database:
    return await open_database("notifier")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as started:
        yield started
