"""A service's numbers for Prometheus. What happens is counted as it happens; what stands is looked up when asked.

What is looked up is asked of PostgreSQL, at most once in FRESH seconds however many ask. While the database does not
answer these numbers are missing, and `registration_database_answers` is 0.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import bindparam, text
from sqlalchemy.types import DateTime

from shared.database import Database, Reading, Transaction
from shared.events import Event
from shared.messaging import outbox, quarantine
from shared.messaging.faults import in_words

FRESH = 5.0  # seconds
PATIENCE = 2.0  # seconds for the database to answer
MOST = 100_000
"""Rows are counted up to here: that there are so many says enough."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """A number that stands in the database. `sql` answers rows of `labels` and the number; it may use `:now`."""

    name: str
    meaning: str
    sql: str
    labels: tuple[str, ...] = ()


def waiting(what: str, meaning: str, rows: str, since: str) -> tuple[Standing, Standing]:
    """How many of `rows` (FROM and WHERE) wait, and for how many seconds the oldest has, `since` a column."""
    return (
        Standing(f"registration_{what}", meaning, f"select count(*) from (select from {rows} limit {MOST}) as those"),  # noqa: S608
        Standing(
            f"registration_{what}_oldest_seconds",
            f"For how long the oldest has waited. {meaning}",
            f"select coalesce(extract(epoch from :now - min({since})), 0) from {rows}",  # noqa: S608  # SQL of our own
        ),
    )


COMMON = (
    *waiting("outbox", "Events that are committed and not published yet.", outbox.table.name, "occurred_at"),
    *waiting(
        "quarantine",
        "Records that wait for a person.",
        f"{quarantine.table.name} where {quarantine.WAITING_SQL}",
        "quarantined_at",
    ),
)
"""Of every service."""


class Metrics(Collector):
    """`text` is what `/metrics` answers."""

    def __init__(self, database: Database, standing: Sequence[Standing] = ()) -> None:
        self._registry = CollectorRegistry()
        self._database = database
        self._standing = (*COMMON, *standing)
        self._found: list[Metric] = []
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        self._steps = self.counter("registration_steps", "Steps of history, once committed.", "event", "status")
        self._seconds = self._histogram("registration_batch_seconds", "From first statement to commit.", SECONDS)
        self._records = self._histogram("registration_batch_records", "Records of one event in a batch.", RECORDS)
        database.when_committed(self._count)

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, ask: Callable[[], float]) -> None:
        """`ask` is called when Prometheus asks."""
        Gauge(name, meaning, registry=self._registry).set_function(ask)

    def handled(self, kind: type[Event], records: int, seconds: float) -> None:
        self._seconds.labels(kind.type()).observe(seconds)
        self._records.labels(kind.type()).observe(records)

    async def text(self) -> bytes:
        """Never raises for what the database does."""
        async with self._looking:
            if time.monotonic() - self._looked_at > FRESH:
                self._found = await self._look()
                self._looked_at = time.monotonic()
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._found
        yield GaugeMetricFamily("registration_database_answers", "1 while it does.", value=bool(self._found))

    async def _look(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE), self._database.reading() as reading:
                return [await _family(reading, it) for it in self._standing]
        except Exception as error:  # whatever it is, the other numbers are told
            log.warning("numbers are missing", why=in_words(error))
            return []

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(name, meaning, ("event",), buckets=buckets, registry=self._registry)

    def _count(self, tx: Transaction) -> None:
        for event, status in tx.steps:
            self._steps.labels(event, status).inc()


async def _family(reading: Reading, it: Standing) -> Metric:
    statement = text(it.sql)
    if ":now" in it.sql:
        statement = statement.bindparams(bindparam("now", reading.now, type_=DateTime(timezone=True)))
    family = GaugeMetricFamily(it.name, it.meaning, labels=it.labels)
    for row in await reading.execute(statement):
        number, labels = row[-1], row[:-1]
        family.add_metric(list(map(str, labels)), float(number))
    return family
