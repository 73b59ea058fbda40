"""Every poison on every topic of every service, on real Kafka: each is put aside, the events around it go through, the
consumer goes on, and replaying what was put aside changes nothing."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared import events as e
from shared.messaging import settling
from shared.messaging.settling import FailedAgain, Origin
from shared.service import Service
from shared.topics import SERVICES, TOPICS, Topic, topics_read
from tests.domain import facts
from tests.integration.conftest import PATIENCE, World, moment, serving
from tests.quarantine.poison import Corpus, Poison
from tests.restore.services import create

REGISTRATIONS = 100
OPEN = [UUID(int=number) for number in range(1, REGISTRATIONS + 1)]
"""Registrations that every service knows, so that an event about them is accepted."""


@pytest.fixture
def partitions() -> int:
    return 1


def good(kind: type[e.Event]) -> Any:
    """Makes events that the services accept, each about another registration or account."""
    numbers = count()
    ids = iter(OPEN)
    moments = (facts.NOW + number * facts.HOUR for number in count())
    makers: dict[type[e.Event], Any] = {
        e.AccountUpdated: lambda: facts.account_updated(f"poison{next(numbers)}@example.com"),
        e.RegistrationRequested: lambda: facts.requested(UUID(int=10_000 + next(numbers))),
        e.RegistrationWithdrawn: lambda: facts.withdrawn(next(ids)),
        e.ConfirmationResendRequested: lambda: facts.resend_requested(next(ids), next(moments)),
        e.RegistrationOpened: lambda: facts.opened(UUID(int=20_000 + next(numbers))),
        e.ConfirmationSent: lambda: sent(next(ids)),
        e.ConfirmationResendRefused: lambda: e.ConfirmationResendRefused(
            registration_id=next(ids), partner_id="p-1", requested_at=facts.NOW, code="limit"
        ),
        e.ConfirmationUndeliverable: lambda: e.ConfirmationUndeliverable(
            registration_id=next(ids), partner_id="p-1", detail="550 no such mailbox", failed_at=facts.NOW
        ),
        e.CustomerConfirmed: lambda: facts.confirmed(next(ids)),
        e.CustomerDeclined: lambda: facts.declined(next(ids)),
        e.ConfirmationExpired: lambda: facts.expired(next(ids)),
        e.VngApproved: lambda: facts.vng_approved(next(ids)),
        e.VngRejected: lambda: facts.vng_rejected(next(ids)),
        e.ReviewDue: lambda: facts.review_due(next(ids)),
        e.RegistrationApproved: lambda: facts.registration_approved(next(ids)),
        e.RegistrationClosed: lambda: facts.registration_closed(next(ids)),
        e.Quarantined: lambda: e.Quarantined(
            service="portal", topic="a.v1", partition=0, offset=next(numbers), reason="x", quarantined_at=facts.NOW
        ),
    }
    return makers[kind]


def sent(registration_id: UUID) -> e.ConfirmationSent:
    return e.ConfirmationSent(
        registration_id=registration_id,
        partner_id="p-1",
        number=1,
        sent_at=facts.NOW,
        valid_until=facts.NOW + facts.DAY,
        resends_left=3,
        next_resend_at=None,
    )


@pytest.mark.parametrize("name", SERVICES)
async def test_poison_is_put_aside_and_what_is_around_it_goes_through(
    world: World, producer: AIOKafkaProducer, name: str
) -> None:
    service = create(name, world)
    if name == "registrar":
        await open_registrations(service)
    bad: dict[Origin, Poison] = {}
    ends: dict[str, int] = {}
    for kind in (topic.event for topic in read_by(name)):
        for topic in topics_read(kind, name):
            found, ends[topic] = await publish(world, producer, topic, Corpus(kind, good(kind)))
            bad |= found
    async with serving(service):
        await until_committed(world, name, ends)
    service = create(name, world)
    async with service.database.transaction() as tx:
        kept = {Origin(it.topic, it.partition, it.offset): it.reason for it in await settling.waiting(tx, 10_000)}
    wrong = [
        f"{it.name} at {at}: {kept.get(at)}" for at, it in bad.items() if not kept.get(at, "").startswith(it.reason)
    ]
    assert not wrong, "\n".join(wrong)
    assert not {at: reason for at, reason in kept.items() if at not in bad}, "events were put aside that are right"
    await replaying_changes_nothing(world, service, name, list(bad))
    await service.database.close()


def read_by(name: str) -> list[Topic]:
    return list({topic.event: topic for topic in TOPICS if name in topic.readers}.values())


async def open_registrations(registrar: Service) -> None:
    emails = [f"open{number}@example.com" for number in range(REGISTRATIONS)]
    accounts = [facts.account_updated(email) for email in emails]
    requests = [facts.requested(it, customer_email=email) for it, email in zip(OPEN, emails, strict=True)]
    for events in (accounts, requests):
        async with registrar.database.transaction() as tx:
            await registrar.consumer.inbox.handler_of(type(events[0]))(events, tx)


async def publish(
    world: World, producer: AIOKafkaProducer, topic: str, corpus: Corpus
) -> tuple[dict[Origin, Poison], int]:
    """Between and after the poisons stand good events. Answers where the poisons are, and the topic's end."""

    async def put(poison: Poison) -> asyncio.Future[Any]:
        headers = list(poison.headers)
        sending: asyncio.Future[Any] = await producer.send(
            world.prefix + topic, poison.value, key=poison.key, headers=headers, partition=0
        )
        return sending

    after = Poison("the last one", corpus.make().model_dump_json().encode(), "")
    places = [await put(poison) for poison in (*corpus.poisons, after)]
    offsets = [place.offset for place in await asyncio.gather(*places)]
    bad = {Origin(topic, 0, at): it for at, it in zip(offsets, corpus.poisons, strict=False) if it.reason}
    return bad, offsets[-1] + 1


async def until_committed(world: World, name: str, ends: dict[str, int]) -> None:
    client = AIOKafkaConsumer(
        bootstrap_servers=world.settings.kafka_bootstrap_servers, group_id=world.prefix + name, enable_auto_commit=False
    )
    await client.start()
    found: dict[str, int | None] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while found != ends:
                places = {topic: TopicPartition(world.prefix + topic, 0) for topic in ends}
                found = {topic: await client.committed(place) for topic, place in places.items()}
                await moment()
    except TimeoutError:
        pytest.fail(f"after {PATIENCE:.0f} s {name} had committed {found} of {ends}")
    finally:
        await client.stop()


async def replaying_changes_nothing(world: World, service: Service, name: str, bad: Sequence[Origin]) -> None:
    before = await everything(world, name)
    at_once = asyncio.Semaphore(8)

    async def replay(at: Origin) -> None:
        async with at_once:
            outcome = await settling.replay(service.database, service.consumer.inbox, at, "a test")
        assert isinstance(outcome, FailedAgain), (at, outcome)

    await asyncio.gather(*map(replay, bad))
    assert await everything(world, name) == before


async def everything(world: World, name: str) -> list[Any]:
    """All rows of all tables, but who tried last to replay what is in quarantine."""
    found = []
    tables = await world.rows(name, "select tablename from pg_tables where schemaname = current_schema order by 1")
    for [table] in tables:
        rows = f"select md5(string_agg(it::text, '' order by it::text)), count(*) from {table} it"
        if table == "quarantine":
            rows = "select md5(string_agg(id || state || reason, '' order by id)), count(*) from quarantine"
        if table != "alembic_version":
            found.append((table, *map(tuple, await world.rows(name, rows))))
    return found
