"""Tells open pages that what they show has changed: server-sent events, woken by PostgreSQL's NOTIFY.

A transaction names what it changed (`tx.changed(topic)`), every process of the service hears of it once it has
committed, and pages that watch that topic are told "changed", nothing more: they ask again for what they show, by the
same address and under the same rules as ever.

Nothing is missed: a stream says since when its page is known to be right, and is told "changed" at once where this
process cannot vouch that nothing happened since.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shared.database import Database, channel_of
from shared.messaging.faults import PASSING, in_words
from shared.retry import Backoff, either, pause
from shared.web.person import Person

EVENTS = "text/event-stream"
STREAM_LASTS = 600.0  # seconds; the browser then comes again, and is asked again who it is
STILL_THERE = 15.0  # seconds between two signs of life, which find readers who have left
AT_MOST_EVERY = 1.0  # seconds
MOST_REMEMBERED = 10_000  # topics
MOST_STREAMS = 30  # of one person
CLOCKS_DIFFER = 5.0  # seconds between the clocks of two instances, at most

log = structlog.get_logger()


class Changes:
    """What has changed in one service's schema, as its processes hear of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watched: dict[str, set[asyncio.Event]] = {}
        self._readers: Counter[str] = Counter()
        self._changed_at: dict[str, float] = {}
        self._vouches_since: float | None = None
        """Since when everything that changed is in `_changed_at`; None while it does not listen."""
        self._stopping = False

    @property
    def listening(self) -> bool:
        return self._vouches_since is not None

    async def run(self, stopping: asyncio.Event) -> None:
        """The worker that listens. While PostgreSQL is away pages stay as they are; then all are told to look again."""
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await self._listen(stopping, backoff)
            except PASSING as error:
                log.warning("does not hear of changes", why=in_words(error))
                await pause(stopping, backoff.next())
        self._stopping = True
        self._wake_all()

    async def _listen(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        lost = asyncio.Event()
        connection = await self._database.connect()
        try:
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(channel_of(self._database.schema), self._hear)
            self._vouches_since = time.time()
            if waits := backoff.reset():
                log.info("hears of changes again", waits=waits)
            self._wake_all()
            while not (stopping.is_set() or lost.is_set()):
                await either(stopping, lost, STILL_THERE)
                await connection.execute("select 1")  # a connection that died unseen says so here
        finally:
            self._vouches_since = None
            with suppress(*PASSING):
                await connection.close(timeout=2)
            connection.terminate()  # where it could not be closed in order

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        topic, heard_at = str(payload), time.time()
        if len(self._changed_at) >= MOST_REMEMBERED:
            self._changed_at.clear()
            self._vouches_since = heard_at
        self._changed_at[topic] = heard_at
        for event in self._watched.get(topic, ()):
            event.set()

    def _wake_all(self) -> None:
        for watchers in self._watched.values():
            for event in watchers:
                event.set()

    def _may_have_changed(self, topic: str, since: float) -> bool:
        if self._vouches_since is None or since < self._vouches_since + CLOCKS_DIFFER:
            return True
        return self._changed_at.get(topic, 0.0) >= since - CLOCKS_DIFFER

    @contextmanager
    def _watching(self, topic: str, reader: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._readers[reader] += 1
        self._watched.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            self._readers -= Counter([reader])
            self._watched[topic].discard(event)
            if not self._watched[topic]:
                del self._watched[topic]

    async def _events(self, topic: str, reader: str, since: float) -> AsyncIterator[str]:
        ends_at = time.monotonic() + STREAM_LASTS
        with self._watching(topic, reader) as event:
            yield ": watching\n\n"
            if self._may_have_changed(topic, since):
                event.set()
            while not self._stopping and time.monotonic() < ends_at:
                try:
                    async with asyncio.timeout(STILL_THERE):
                        await event.wait()
                except TimeoutError:
                    yield ": still there\n\n"
                    continue
                event.clear()
                if self._stopping:
                    return
                yield "event: changed\ndata: changed\n\n"
                await asyncio.sleep(AT_MOST_EVERY)

    def stream(self, request: Request, person: Person, topic: str) -> Response:
        """`?since=` is the moment the page was made, as `now` gave it. Raises HTTPException 429 for a person who has
        too many streams open.
        """
        if self._readers[person.email] >= MOST_STREAMS:
            raise HTTPException(429, headers={"Retry-After": "60"})
        if request.method == "HEAD":
            return Response(media_type=EVENTS)
        since = _moment(request.query_params.get("since", ""))
        told = self._events(topic, person.email, since)
        return StreamingResponse(told, media_type=EVENTS, headers={"X-Accel-Buffering": "no"})


def _moment(text: str) -> float:
    """0.0 for what is none: nobody can vouch for a page since then."""
    try:
        moment = float(text)
    except ValueError:
        return 0.0
    return moment if math.isfinite(moment) else 0.0


def now() -> str:
    """Taken before the page's rows are read."""
    return f"{time.time():.3f}"
