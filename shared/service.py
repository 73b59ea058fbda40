"""One running service: its consumer, its relay, its scheduler, its workers and its pages, started together and stopped
together.

A worker that ends by an error ends the process: what restarts processes restarts it, and nothing is lost by that.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.types import ASGIApp

from shared.clock import Clock
from shared.database import Database, RoleRefused, role_of
from shared.events import AccountUpdated
from shared.messaging import outbox
from shared.messaging.batch import Handlers, Inbox
from shared.messaging.consumer import CannotGoOn, Consumer
from shared.messaging.faults import in_words, is_passing
from shared.messaging.kafka import publisher
from shared.messaging.relay import Relay
from shared.metrics import Metrics, Standing
from shared.retry import Backoff, Stopped, pause, unless_stopped
from shared.scheduler import Deadline, Scheduler
from shared.settings import ServiceSettings
from shared.topics import topic_of
from shared.tracing import Traces
from shared.versions import Age, age, expected
from shared.web.health import Check, health_routes
from shared.web.live import Changes
from shared.web.server import serve

if TYPE_CHECKING:
    from shared.otlp import Collector

Worker = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs until the event is set."""

LOOK_AT_BACKLOG = 0.1  # seconds
IN_HAND = 8.0  # seconds: more than any worker gives itself
LAST_LOOK = 1.0  # seconds
STALE_ANSWER = 5.0  # seconds: Kafka answers within a tenth of one, and within one while the group is rebalanced
STALE_POLL = 30.0  # seconds
STALE_OUTBOX = 30.0  # seconds

log = structlog.get_logger()


class Service:
    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        clock: Clock,
        handlers: Handlers,
        *,
        deadlines: Sequence[Deadline] = (),
        standing: Sequence[Standing] = (),
        workers: Callable[["Service"], Sequence[Worker]] = lambda _service: (),
        web: Callable[["Service"], ASGIApp] | None = None,
    ) -> None:
        self.name = name
        self.database = Database(settings.database_url.get_secret_value(), name, clock)
        self._collector = _collector(name, settings)
        if self._collector:
            self.database.traces = Traces(name, self._collector, settings.otel_traces_sampler_arg)
        prefix = settings.kafka_topic_prefix
        self.metrics = Metrics(self.database, standing)
        self.consumer = Consumer(
            prefix + name,
            Inbox(handlers, self.database, topic_prefix=prefix, handled=self.metrics.handled),
            settings,
            facts_topic=prefix + topic_of(AccountUpdated, name) if AccountUpdated in handlers else None,
        )
        self.relay = Relay(self.database, lambda: publisher(settings, f"{name}-relay"), topic_prefix=prefix)
        self.scheduler = Scheduler(self.database, deadlines)
        self.changes = Changes(self.database)
        """What open pages watch. A service with such pages has its `run` among its workers."""
        self._measure()
        self.workers = workers(self)
        self.web = web(self) if web else Starlette(routes=health_routes(self.checks, self.metrics.text))

    def _measure(self) -> None:
        consumer, gauge = self.consumer, self.metrics.gauge
        gauge("registration_lag", "Records of our partitions that are not stored yet.", lambda: consumer.lag)
        gauge("registration_batch_oldest_seconds", "Age of the oldest record in hand.", lambda: consumer.progress.age)
        gauge("registration_kafka_silence_seconds", "Since Kafka last answered.", lambda: consumer.hearing.silence or 0)

    def once_caught_up(self, worker: Worker) -> Worker:
        """The same, begun once the events that lay in the service's topics at start have been read: an end that lies
        there goes before the reminder, or the mail, that it makes needless."""

        async def begin(stopping: asyncio.Event) -> None:
            while not self.consumer.backlog.done and not stopping.is_set():
                await pause(stopping, LOOK_AT_BACKLOG)
            await worker(stopping)

        return begin

    async def serve(
        self, host: str, port: int, stopping: asyncio.Event, started: Callable[[int], None] | None = None
    ) -> None:
        """Pages and workers, until `stopping`. Raises CannotGoOn with a line for the operator."""
        pages = asyncio.create_task(serve(self.web, host, port, started=started))
        work = asyncio.create_task(self.run(stopping))
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({pages, work, stop}, return_when=asyncio.FIRST_COMPLETED)
            stopping.set()
            error = pages.exception() if pages.done() else None
            pages.cancel()  # both end at once what they have in hand
            await work
            if error:
                raise CannotGoOn(f"cannot serve pages on {host}:{port}: {error}; expected a free port") from error
        finally:
            pages.cancel()
            await asyncio.gather(pages, work, stop, return_exceptions=True)

    async def run(self, stopping: asyncio.Event) -> None:
        """The workers without the pages, until `stopping` and after what is in hand, for up to IN_HAND seconds."""

        async def run(worker: Worker) -> None:
            try:
                await unless_stopped(stopping, worker(stopping), IN_HAND)
            except Stopped:
                log.warning("stops without having ended what was in hand: something that it needs does not answer")
            finally:
                stopping.set()  # one that fails ends all, each in its own order

        workers = [self.consumer.run, self.relay.run, self.once_caught_up(self.scheduler.run), *self.workers]
        try:
            await self._wait_for_schema(stopping)
            ends = await asyncio.gather(*map(run, workers), return_exceptions=True)
        finally:
            await self.database.close()
            if self._collector:
                await asyncio.to_thread(self._collector.close)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _wait_for_schema(self, stopping: asyncio.Event) -> None:
        """The database may start later than we do; one that was never migrated is a mistake to be told."""
        backoff = Backoff()
        while not stopping.is_set():
            try:
                found = await unless_stopped(stopping, self.database.schema_version(), LAST_LOOK)
            except Stopped:
                return
            except RoleRefused:
                raise CannotGoOn(
                    f"the login of DATABASE_URL may not work as the role {role_of(self.name)}; expected it granted; "
                    f"run registration migrate as this login, or grant it the role"
                ) from None
            except Exception as error:
                if not is_passing(error, backoff.tries):
                    raise
                log.warning("waits for the database", why=in_words(error))
                await pause(stopping, backoff.next())
                continue
            if backoff.tries:
                log.info("the database answers", waits=backoff.tries)
            self._refuse_old(found)
            return

    def _refuse_old(self, version: str | None) -> None:
        match age(self.name, version):
            case Age.NONE:
                raise CannotGoOn(
                    f"the database has no tables of {self.name}; expected them migrated; run: registration migrate"
                )
            case Age.OLDER:
                raise CannotGoOn(
                    f"the database's tables of {self.name} are at version {version}; expected {expected(self.name)} or "
                    f"newer; run: registration migrate"
                )

    @property
    def checks(self) -> Mapping[str, Check]:
        """What readiness asks."""
        return {
            "database": self._check_database,
            "assignment": self._check_assignment,
            "last poll": self._check_poll,
            "caught up at start": self._check_caught_up,
            "relay": self._check_relay,
        }

    async def _check_database(self) -> str | None:
        async with self.database.engine.connect() as connection:
            read_only = (await connection.execute(text("select current_setting('transaction_read_only')"))).scalar()
        if read_only == "on":
            return "the database is read only, as one that is not the primary is"
        return self.consumer.inbox.trouble

    async def _check_assignment(self) -> str | None:
        return None if self.consumer.assigned else "no partition is assigned to this instance yet"

    async def _check_poll(self) -> str | None:
        silence = self.consumer.hearing.silence
        if self.consumer.polled_at is None or silence is None:
            return "has not heard of Kafka yet"
        if silence > STALE_ANSWER:
            return f"Kafka has not answered for {silence:.0f} s"
        age = time.monotonic() - self.consumer.polled_at
        return f"last polled {age:.0f} s ago" if age > STALE_POLL else None

    async def _check_caught_up(self) -> str | None:
        return None if self.consumer.catching_up.done else "still reads the account facts that were there at start"

    async def _check_relay(self) -> str | None:
        if self.relay.trouble:
            return self.relay.trouble
        async with self.database.engine.connect() as connection:
            oldest = select(outbox.table.c.occurred_at).order_by(outbox.table.c.position).limit(1)
            since = (await connection.execute(oldest)).scalar()
        age = (self.database.clock() - since).total_seconds() if since else 0.0
        return f"the oldest event not published yet is {age:.0f} s old" if age > STALE_OUTBOX else None


def _collector(name: str, settings: ServiceSettings) -> "Collector | None":
    if settings.otel_exporter_otlp_endpoint is None:
        return None
    from shared.otlp import Collector  # noqa: PLC0415  # dear, and of no use without a collector

    return Collector(name, settings.otel_exporter_otlp_endpoint)
