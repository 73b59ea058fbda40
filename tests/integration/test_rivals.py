"""Several instances of one service: relays of which one has lost its lock unseen, instances that come and go, clocks
that jump. What was told is told once in effect and in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from services.registrar.app import create_app
from shared.clock import system_clock
from shared.database import Database
from shared.events import ConfirmationExpired
from shared.messaging.kafka import publisher
from shared.messaging.publishing import Message, Publisher
from shared.messaging.relay import Relay
from shared.settings import RegistrarSettings
from tests.faults.disturbances import end_sessions
from tests.integration.conftest import Publish, World, read_topic, serving
from tests.integration.told import account, request

KEYS, EVENTS = 5, 60


def expired(key: UUID, number: int) -> ConfirmationExpired:
    """Whose time says its place in the order."""
    return ConfirmationExpired(
        registration_id=key, expired_at=datetime(2026, 7, 1, tzinfo=UTC) + number * timedelta(minutes=1)
    )


class Halting:
    """A publisher of which one batch halts in the middle until the test lets it go on."""

    def __init__(self, world: World) -> None:
        self.halted, self.go_on = asyncio.Event(), asyncio.Event()
        self._world = world

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Publisher]:
        async with publisher(self._world.settings, "halting") as kafka:
            yield HaltingPublisher(kafka, self)


class HaltingPublisher(Publisher):
    def __init__(self, kafka: Publisher, halting: Halting) -> None:
        self._kafka, self._halting = kafka, halting

    async def publish(self, messages: Iterable[Message]) -> None:
        them = list(messages)
        await self._kafka.publish(them[: len(them) // 2])
        if len(them) == EVENTS:
            self._halting.halted.set()
            await self._halting.go_on.wait()
        await self._kafka.publish(them[len(them) // 2 :])


async def test_a_relay_that_lost_its_lock_while_publishing_doubles_nothing_in_effect_and_keeps_each_keys_order(
    world: World,
) -> None:
    keys = [uuid4() for _ in range(KEYS)]
    first, second = world.database("notifier"), world.database("notifier")
    halting, stopping = Halting(world), asyncio.Event()
    await _owe(first, [expired(keys[n % KEYS], n) for n in range(EVENTS)])
    slow = asyncio.create_task(Relay(first, halting, topic_prefix=world.prefix).run(stopping))
    await halting.halted.wait()
    url = world.settings.database_url.get_secret_value()
    await _lose_the_lock(url)
    other = Relay(second, lambda: publisher(world.settings, "other"), topic_prefix=world.prefix)
    quick = asyncio.create_task(other.run(stopping))
    await world.until("notifier", "select * from outbox", lambda rows: not rows)
    await _owe(second, [expired(keys[n % KEYS], EVENTS + n) for n in range(KEYS)])
    await world.until("notifier", "select * from outbox", lambda rows: not rows)
    halting.go_on.set()
    await _owe(second, [expired(keys[0], EVENTS + KEYS)])
    await world.until("notifier", "select * from outbox", lambda rows: not rows)
    stopping.set()
    await asyncio.gather(slow, quick)
    records = await read_topic(world, ConfirmationExpired, "notifier", EVENTS + KEYS + 1)
    ids: dict[bytes, bytes] = {}
    order: dict[bytes, list[str]] = {}
    for record in records:
        ce_id = dict(record.headers)["ce_id"]
        assert ids.setdefault(ce_id, record.value) == record.value
        said = json.loads(record.value)["expired_at"]
        if said not in order.setdefault(record.key, []):  # its readers have stored it before
            order[record.key].append(said)
    assert len(ids) == EVENTS + KEYS + 1
    assert all(said == sorted(said) for said in order.values())
    for database in (first, second):
        await database.close()


async def _owe(database: Database, events: list[ConfirmationExpired]) -> None:
    async with database.transaction() as tx:
        tx.emit(*events)


async def _lose_the_lock(url: str) -> None:
    """As by a failover, or by a firewall that forgets."""
    await end_sessions(url, "pid in (select pid from pg_locks where locktype = 'advisory' and granted)")


async def test_instances_that_come_and_go_under_load_and_clocks_that_jump_lose_and_double_nothing(
    world: World, publish: Publish
) -> None:
    chance, seconds = Random(6), 4.0
    emails = [f"storm{n}@example.com" for n in range(600)]
    await publish(*(account(email) for email in emails))
    settings = RegistrarSettings(**world.settings.model_dump())
    jump = timedelta()

    def clock() -> datetime:
        return system_clock() + jump

    async def come_and_go() -> None:
        nonlocal jump
        while not calm.is_set():
            async with serving(create_app(settings, clock=clock)):
                await asyncio.sleep(chance.uniform(0.1, 1.2))
                jump = chance.uniform(-1, 1) * timedelta(days=1)

    calm = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(create_app(settings, clock=clock)))
        storm = [asyncio.create_task(come_and_go()) for _ in range(3)]
        for n in range(0, len(emails), 50):
            await publish(*(request(email, f"partner-{m % 20}") for m, email in enumerate(emails[n : n + 50])))
            await asyncio.sleep(seconds / (len(emails) / 50))
        calm.set()
        await asyncio.gather(*storm)
        sql = "select status, count(*) from registrations group by status"
        expected = [("awaiting_confirmation", len(emails))]
        await world.until("registrar", sql, lambda rows: [tuple(row) for row in rows] == expected)
        await world.until("registrar", "select * from outbox", lambda rows: not rows)
    assert await world.rows("registrar", "select * from quarantine") == []
    doubled = "select registration_id from history where note = '' group by 1 having count(*) > 1"
    assert await world.rows("registrar", doubled) == []
