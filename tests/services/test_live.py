"""Open pages hear of what changed, whichever process changed it, and of nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import asyncpg
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse

from shared.database import Database
from shared.web import live
from shared.web.live import Changes
from shared.web.person import Person
from tests.services.conftest import PATIENCE, MovableClock, Open, eventually

READER = Person("an@partner.example", "An", "p-1", "A", frozenset({"partner"}), None)
END_LISTENERS = """select pg_terminate_backend(pid) from pg_stat_activity
    where query ilike 'listen%' and datname = current_database()"""


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Changes]:
    changes, stopping = Changes(database), asyncio.Event()
    running = asyncio.create_task(changes.run(stopping))
    try:
        await eventually(lambda: listens(changes), bool)
        yield changes
    finally:
        stopping.set()
        await running


async def listens(changes: Changes) -> bool:
    return changes.listening


def opened(changes: Changes, topic: str, since: float | str) -> AsyncIterator[str]:
    request = Request({"type": "http", "method": "GET", "headers": [], "query_string": f"since={since}".encode()})
    answer = changes.stream(request, READER, topic)
    assert isinstance(answer, StreamingResponse)
    return answer.body_iterator  # type: ignore[return-value]  # made of text


async def anything(changes: Changes, topic: str, since: float | str) -> str:
    """The first word to a page that was right at `since`."""
    async for sent in opened(changes, topic, since):
        if sent.startswith("event:"):
            return sent
    pytest.fail("the stream ended")


@asynccontextmanager
async def watching(changes: Changes, topic: str, since: float | None = None) -> AsyncIterator[asyncio.Queue[str]]:
    """What a page is told that is right since a moment, or beyond doubt."""
    told: asyncio.Queue[str] = asyncio.Queue()

    async def watch() -> None:
        async for sent in opened(changes, topic, since or vouched_for()):
            await told.put(sent)

    task = asyncio.create_task(watch())
    try:
        async with asyncio.timeout(PATIENCE):
            assert await told.get() == ": watching\n\n"
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def end_listeners(database_url: str) -> None:
    administrator = await asyncpg.connect(database_url)
    assert await administrator.fetch(END_LISTENERS)
    await administrator.close()


def vouched_for() -> float:
    """A moment that lies as long before and after everything as clocks may differ."""
    return time.time() + 2 * live.CLOCKS_DIFFER


async def change(database: Database, *topics: str) -> None:
    async with database.transaction() as tx:
        tx.changed(*topics)


async def next_of(told: asyncio.Queue[str]) -> str:
    async with asyncio.timeout(PATIENCE):
        while (sent := await told.get()).startswith(":"):
            pass
    return sent


async def test_what_one_process_changed_is_heard_in_another(
    open_database: Open, database_url: str, clock: MovableClock
) -> None:
    other_process = Database(database_url, "portal", clock)
    async with listening(await open_database("portal")) as changes, watching(changes, "p-1") as told:
        await change(other_process, "p-2", "p-1")
        assert await next_of(told) == "event: changed\ndata: changed\n\n"
    await other_process.close()


async def test_what_was_rolled_back_another_topic_and_another_service_tell_nothing(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "AT_MOST_EVERY", 0.0)
    portal, approver = await open_database("portal"), await open_database("approver")
    async with listening(portal) as changes, watching(changes, "p-1") as told, watching(changes, "last") as last:
        with suppress(RuntimeError):
            async with portal.transaction() as tx:
                tx.changed("p-1")
                await tx.flush()
                raise RuntimeError
        await change(portal, "p-2")
        await change(approver, "p-1")
        await change(portal, "last")
        await next_of(last)
        assert told.empty()


async def test_a_page_made_before_a_change_is_told_of_it_at_once_and_one_made_after_it_is_not(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CLOCKS_DIFFER", 0.0)
    database = await open_database("portal")
    async with listening(database) as changes, watching(changes, "last", time.time()) as last:
        before = time.time()
        await change(database, "p-1", "last")
        await next_of(last)
        async with asyncio.timeout(PATIENCE):
            assert await anything(changes, "p-1", before)
        async with watching(changes, "p-1", time.time()) as told:
            await change(database, "last")
            await next_of(last)
            assert told.empty()


@pytest.mark.parametrize("since", ["0", "nothing", "", "nan", "-inf"])
async def test_a_page_that_nobody_can_vouch_for_is_told_at_once(open_database: Open, since: str) -> None:
    async with listening(await open_database("portal")) as changes, asyncio.timeout(PATIENCE):
        assert await anything(changes, "p-1", since)


async def test_where_more_changed_than_is_remembered_nobody_is_vouched_for_by_what_is_left(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CLOCKS_DIFFER", 0.0)
    monkeypatch.setattr(live, "MOST_REMEMBERED", 10)
    database = await open_database("portal")
    async with listening(database) as changes, watching(changes, "last", time.time()) as last:
        before = time.time()
        await change(database, "p-1")
        await change(database, *(f"other {number}" for number in range(25)), "last")
        await next_of(last)
        async with asyncio.timeout(PATIENCE):
            assert await anything(changes, "p-1", before)


async def test_one_person_keeps_so_many_streams_and_another_is_not_held_back(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 2)
    changes = Changes(await open_database("portal"))
    async with watching(changes, "p-1"), watching(changes, "p-2"):
        with pytest.raises(HTTPException) as refused:
            opened(changes, "p-3", 0.0)
        assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "60"})
        other = replace(READER, email="binh@partner.example")
        assert changes.stream(Request({"type": "http", "method": "HEAD", "headers": []}), other, "p-1").body == b""
    assert await anything(changes, "p-1", 0.0)


async def test_a_lost_connection_is_made_again_and_everybody_is_told_to_look(
    open_database: Open, database_url: str
) -> None:
    database = await open_database("portal")
    async with listening(database) as changes, watching(changes, "p-1") as told:
        await end_listeners(database_url)
        assert await next_of(told)

        await eventually(lambda: listens(changes), bool)
        await change(database, "p-1")
        assert await next_of(told)


async def test_streams_end_when_the_service_stops(open_database: Open) -> None:
    async with listening(await open_database("portal")) as changes:
        stream = opened(changes, "p-1", vouched_for())
        assert await anext(stream) == ": watching\n\n"
        rest = asyncio.create_task(anext(stream, "the end"))
    async with asyncio.timeout(PATIENCE):
        assert await rest == "the end"
