"""A server that dies may say so to a connection that lies idle, before its end is heard of: nobody stops for that."""

import asyncio
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from embedded.postgres import Postgres
from shared.clock import system_clock
from shared.database import Database
from shared.web.live import Changes
from tests.faults.proxy import Proxy
from tests.services.conftest import eventually

SAYS = b"SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
LAST_WORDS = b"E" + struct.pack("!i", len(SAYS) + 4) + SAYS


@pytest.fixture
def proxy(postgres_server: Postgres) -> Iterator[Proxy]:
    with Proxy(postgres_server.port) as started:
        yield started


@pytest.fixture
def database(proxy: Proxy, database_url: str) -> Database:
    parts = urlsplit(database_url)
    through = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}")
    return Database(urlunsplit(through), "portal", system_clock)


async def test_who_listens_for_changes_listens_anew(
    database: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.web.live.STILL_THERE", 0.1)
    changes, stopping = Changes(database), asyncio.Event()
    running = asyncio.create_task(changes.run(stopping))

    async def listening() -> bool:
        return changes.listening

    await eventually(listening, bool)
    since = changes._vouches_since
    await asyncio.to_thread(proxy.put_in_the_servers_mouth, LAST_WORDS)

    async def anew() -> bool:
        return running.done() or (changes.listening and changes._vouches_since != since)

    await eventually(anew, bool)
    assert not running.done()
    stopping.set()
    await running
    await database.close()
