"""A service that is told to stop ends within seconds, whatever is away, and leaves nothing running; and a consumer
whose client has died unseen says so, and goes on with another."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from structlog.testing import capture_logs

from commands.serve import create
from shared import service as service_module
from shared.clock import system_clock
from shared.database import Transaction
from shared.events import CustomerDeclined
from shared.messaging import hearing, kafka, reader
from shared.service import Service
from shared.topics import SERVICES
from tests.faults.disturbances import DISTURBANCES
from tests.faults.rig import STOPS_WITHIN, Rig, all_ready, fleet_of_processes
from tests.services.conftest import eventually

SECONDS = 8.0
PATIENCE = 60.0


def declined() -> CustomerDeclined:
    return CustomerDeclined(registration_id=uuid4(), reason=None, declined_at=datetime.now(UTC))


async def publish(made: Rig, *events: CustomerDeclined) -> None:
    async with AIOKafkaProducer(bootstrap_servers=made.direct.kafka_bootstrap_servers) as producer:
        for event in events:
            await producer.send_and_wait(f"{made.prefix}customer-declined.v1", event.model_dump_json().encode())


class Hand:
    """A handler that holds its batch until the test lets go."""

    def __init__(self) -> None:
        self.full, self.open = asyncio.Event(), asyncio.Event()
        self.taken = 0

    async def take(self, events: Sequence[CustomerDeclined], tx: Transaction) -> None:
        tx.emit(declined())
        await tx.flush()
        self.full.set()
        await self.open.wait()
        await tx.execute(text("select 1"))
        self.taken += len(events)


async def said(it: Service) -> list[str | None]:
    """What the checks say; one that takes long says so."""

    async def answer(name: str) -> str | None:
        try:
            async with asyncio.timeout(0.5):
                return await it.checks[name]()
        except Exception as error:
            return f"{name}: {error!r}"

    return list(await asyncio.gather(*map(answer, it.checks)))


async def ready(it: Service) -> None:
    await eventually(lambda: said(it), lambda sentences: not any(sentences))


@asynccontextmanager
async def at_work(made: Rig, hand: Hand) -> AsyncIterator[tuple[Service, asyncio.Event, asyncio.Task[None]]]:
    it = Service("registrar", made.settings_of("registrar"), system_clock, {CustomerDeclined: hand.take})
    stopping = asyncio.Event()
    running = asyncio.create_task(it.run(stopping))
    try:
        await ready(it)
        yield it, stopping, running
    finally:
        stopping.set()
        hand.open.set()
        await asyncio.wait({running}, timeout=STOPS_WITHIN)


@pytest.mark.parametrize("away", ["kafka cut", "postgres hang"])
async def test_a_service_that_is_told_to_stop_ends_within_seconds_whatever_is_away(made: Rig, away: str) -> None:
    """With a batch in hand: offsets that cannot be committed, an event that cannot leave."""
    others, hand = asyncio.all_tasks(), Hand()
    async with at_work(made, hand) as (registrar, stopping, running):
        await publish(made, declined())
        await hand.full.wait()
        async with DISTURBANCES[away](made.site):
            hand.open.set()
            await eventually(lambda: silent(registrar), bool)
            begun = time.monotonic()
            stopping.set()
            await asyncio.wait({running}, timeout=3 * SECONDS)
            lasted = time.monotonic() - begun
            left = [task for task in asyncio.all_tasks() - others if task is not running]
    assert running.done() and lasted < SECONDS
    assert left == [], "nothing runs on"


async def test_every_service_ends_by_itself_on_sigterm_while_kafka_is_away(made: Rig) -> None:
    """As a process, with its pages and its signals."""
    with fleet_of_processes(made) as fleet:
        await all_ready(fleet, PATIENCE)
        async with DISTURBANCES["kafka cut"](made.site):
            ends = await asyncio.gather(*(asyncio.to_thread(fleet.stop, service) for service in SERVICES))
    assert ends == [0] * len(SERVICES), "none had to be killed"


async def test_a_service_that_began_on_connections_dead_without_saying_so_gets_others(
    made: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No question to Kafka is waited for longer than its limit, however early it was asked."""
    monkeypatch.setattr(kafka, "ANSWERED_WITHIN", 2.0)
    monkeypatch.setattr(reader, "LONGEST_ANSWER", 2.0)
    it, stopping = create("registrar", made.settings_of("registrar")), asyncio.Event()
    async with DISTURBANCES["kafka half-open"](made.site):
        running = asyncio.create_task(it.run(stopping))
        await eventually(lambda: connected(made), bool)
    try:
        await ready(it)
    finally:
        stopping.set()
        await asyncio.wait({running}, timeout=STOPS_WITHIN)


async def connected(made: Rig) -> int:
    """Connections to Kafka through the proxy."""
    return made.site.proxies["kafka"].connections


async def silent(it: Service) -> bool:
    """Something was asked that is not answered."""
    return (it.consumer.hearing.silence or 0) > 0.7 or any(await said(it))


async def test_a_consumer_whose_client_has_died_unseen_is_not_ready_and_goes_on_with_another(
    made: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "STALE_ANSWER", 0.5)
    monkeypatch.setattr(hearing, "LONGEST_SILENCE", 3.0)
    hand = Hand()
    hand.open.set()
    async with at_work(made, hand) as (registrar, _stopping, _running):
        client = registrar.consumer._client
        assert client is not None
        client._fetcher._fetch_task.cancel()  # as an error that aiokafka does not expect ends it
        await publish(made, declined())
        last_poll = registrar.checks["last poll"]
        with capture_logs() as lines:
            await eventually(last_poll, lambda sentence: "Kafka has not answered" in (sentence or ""))
            await eventually(lambda: taken(hand), lambda number: number == 1)
            await ready(registrar)
    said = [line["event"] for line in lines if line["event"].startswith("consumer")]
    assert said == ["consumer starts anew", "consumer goes on"]


async def taken(hand: Hand) -> int:
    return hand.taken
