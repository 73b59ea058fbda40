"""After a database was set back: what each service had told is taken back, offsets go back, and nothing is lost."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

import cli
from checker import Evidence, check
from commands.failures import Failed
from commands.rewind import rewind
from commands.settled import watching
from embedded.postgres import Postgres
from services.notifier.links import Links
from services.portal import asks
from services.portal import store as portal_store
from shared.events import RegistrationRequested
from shared.service import Service
from shared.topics import SERVICES
from tests.integration.conftest import PATIENCE, Publish, World, moment, serving
from tests.integration.told import account, request
from tests.restore.services import NOWHERE, create, settings_of
from tests.services.approver.at_work import LAN, decide
from tests.sessions import browser
from tests.torture import evidence

Services = Mapping[str, Service]
STATUS = {
    "registrar": """
        select registration_id, status, case status when 'approved' then account_id end from registrations order by 1
    """,
    "notifier": """
        select registration_id, status, outcome, answered_at, sent_at, valid_until from confirmations order by 1
    """,
    "approver": "select registration_id, status, outcome, decided_by, decided_at from cases order by 1",
    "portal": """
        select registration_id, status, common_name, withdrawal_asked_by, mail_number from registrations order by 1
    """,
}


@pytest.fixture
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line finds: the settings of all services."""
    for name in SERVICES:
        for key, value in settings_of(name, world).model_dump(mode="json", exclude_none=True).items():
            if isinstance(value, str) and "*" not in value:
                monkeypatch.setenv(key.upper(), value)
    secrets = {
        "DATABASE_URL": world.settings.database_url.get_secret_value(),
        "SMTP_URL": world.servers.smtp_url,
        "LINK_SECRET": "a key for links of tests",
        "OIDC_CLIENT_SECRET": "a secret of the client",
        "REVIEW_MAIL_TO": "reviews@vng.example",
    }
    for key, value in secrets.items():
        monkeypatch.setenv(key, value)


@asynccontextmanager
async def all_running(world: World) -> AsyncIterator[Services]:
    async with AsyncExitStack() as stack:
        services = {name: create(name, world) for name in SERVICES}
        for service in services.values():
            await stack.enter_async_context(serving(service))
        yield services


async def settled(world: World) -> None:
    """Until everything told was read, everything owed was told, and every mail has left."""
    waits: str | None = None
    try:
        async with (
            asyncio.timeout(PATIENCE),
            watching(world.settings, world.settings.database_url.get_secret_value()) as it,
        ):
            while waits := await it.look() or await mails_waiting(world):
                await moment()
    except TimeoutError:
        pytest.fail(f"after {PATIENCE:.0f} s: {waits}")


async def mails_waiting(world: World) -> str | None:
    [[count]] = await world.rows("notifier", "select count(*) from emails where state = 'queued'")
    return f"{count} mails wait" if count else None


class Customers:
    """Registrations by number, and what people do with them."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self.requests: list[RegistrationRequested] = []

    async def registered(self, services: Services, count: int) -> None:
        first = len(self.requests)
        emails = [f"khach{number}@example.com" for number in range(first, first + count)]
        await self._publish(*(account(email) for email in emails))
        new = [request(email) for email in emails]
        self.requests += new
        async with services["portal"].database.transaction() as tx:
            await portal_store.request(tx, new)

    def id(self, number: int) -> UUID:
        return self.requests[number].registration_id

    async def answers(self, services: Services, number: int, answer: str) -> None:
        token = Links(NOWHERE, ["a key for links of tests"]).token(self.id(number))
        async with browser(services["notifier"].web, NOWHERE) as customer:
            answered = await customer.post(f"/confirmations/{token}/{answer}", data={"reason": "Không quen"})
        assert answered.status_code == 200

    async def approved(self, services: Services, number: int) -> None:
        it = self.requests[number]
        await decide(services["approver"].database, LAN, registration_id=it.registration_id, email=it.customer_email)

    async def withdrawn(self, services: Services, number: int) -> None:
        it = self.requests[number]
        async with services["portal"].database.transaction() as tx:
            row = await portal_store.lock_one(tx, it.registration_id, it.partner_id)
            assert row
            asked = asks.withdraw(row, it.requested_by, "Nhầm", tx.now)
            assert isinstance(asked, asks.Asked)
            await portal_store.ask(tx, asked)


async def owner_runs(server: Postgres, *statements: str) -> None:
    owner = await asyncpg.connect(server.url)
    try:
        for statement in statements:
            await owner.execute(statement)
    finally:
        await owner.close()


async def everything(world: World) -> dict[str, list[Any]]:
    return {name: [tuple(row) for row in await world.rows(name, sql)] for name, sql in STATUS.items()}


async def findings(world: World) -> list[Any]:
    url = world.settings.database_url.get_secret_value()
    async with asyncio.timeout(PATIENCE):
        records = [it async for some in evidence.records(world.settings) for it in some]
        lines = [it async for some in evidence.lines(evidence.everywhere(url)) for it in some]
        mails = [it async for some in evidence.mails(evidence.everywhere(url)) for it in some]
    return list(check(Evidence(records, lines, datetime.now(UTC), mails, duplicates_allowed=True)))


async def first_hour(services: Services, customers: Customers, settle: Callable[[], Awaitable[None]]) -> None:
    await customers.registered(services, 6)
    await settle()
    await customers.answers(services, 0, "confirm")
    await customers.answers(services, 1, "confirm")
    await settle()


async def second_hour(services: Services, customers: Customers, settle: Callable[[], Awaitable[None]]) -> None:
    await customers.approved(services, 0)
    await customers.answers(services, 2, "confirm")
    await customers.answers(services, 3, "decline")
    await customers.withdrawn(services, 4)
    await customers.registered(services, 5)
    await settle()
    await customers.answers(services, 6, "confirm")
    await customers.answers(services, 7, "confirm")
    await customers.answers(services, 8, "decline")
    await customers.withdrawn(services, 9)
    await settle()
    await customers.approved(services, 6)
    await settle()


@pytest.mark.usefixtures("environment")
async def test_what_happened_since_the_backup_is_there_again_after_a_rewind_of_all_services(
    world: World, publish: Publish, postgres_server: Postgres
) -> None:
    customers = Customers(publish)
    database = urlsplit(world.settings.database_url.get_secret_value()).path.lstrip("/")

    async def settle() -> None:
        await settled(world)

    async with all_running(world) as services:
        await first_hour(services, customers, settle)
    since = datetime.now(UTC) - timedelta(milliseconds=1)
    await world.close()
    await owner_runs(postgres_server, f"create database {database}_backup template {database} strategy file_copy")
    async with all_running(world) as services:
        await second_hour(services, customers, settle)
        with pytest.raises(Failed, match=r"has members, so registrar is running.*no offset was moved"):
            [line async for line in rewind("registrar", since)]
    before = await everything(world)
    await world.close()
    await owner_runs(
        postgres_server,
        f"drop database {database} with (force)",
        f"create database {database} template {database}_backup strategy file_copy",
        f"drop database {database}_backup",
    )
    told = {name: [line async for line in rewind(name, since)] for name in SERVICES}
    assert {name: int(lines[0].split()[1]) for name, lines in told.items()} == {
        "portal": 6, "registrar": 8, "notifier": 7, "approver": 2
    }  # fmt: skip
    async with all_running(world):
        await settled(world)
    assert await everything(world) == before
    assert await findings(world) == []
    assert world.servers.mailbox
    for it in customers.requests:
        mails = [mail for mail in world.servers.mailbox.messages(to=it.customer_email) if "confirmations" in mail.text]
        assert len(mails) == 1, "nobody is asked twice"


@pytest.mark.usefixtures("environment")
async def test_a_rewind_goes_back_to_a_time_never_forward_and_mends_an_offset_that_kafka_no_longer_has(
    world: World, publish: Publish
) -> None:
    await publish(*(account(f"old{number}@example.com") for number in range(10)))
    await moment()
    since = datetime.now(UTC)
    await publish(*(account(f"new{number}@example.com") for number in range(10)))
    client = AIOKafkaConsumer(
        bootstrap_servers=world.settings.kafka_bootstrap_servers,
        group_id=f"{world.prefix}registrar",
        enable_auto_commit=False,
    )
    await client.start()
    try:
        zero, one = [TopicPartition(f"{world.prefix}account-updated.v1", number) for number in range(2)]
        client.assign([zero, one])
        ends = await client.end_offsets([zero, one])
        at = {
            tp: found.offset
            for tp, found in (await client.offsets_for_times(dict.fromkeys(ends, since_ms(since)))).items()
        }
        assert 0 < at[zero] < ends[zero] and 0 < at[one] < ends[one]
        await client.commit({zero: 1, one: 1_000_000})
        lines = [line async for line in rewind("registrar", since)]
        assert f"{one.topic}[1]  1000000 -> {at[one]}" in lines and f"{zero.topic}[0]  1 -> 1" in lines
        assert f"{world.prefix}vng-approved.v1[0]  was never read; it will be from its first record" in lines
        assert [await client.committed(it) for it in (zero, one)] == [1, at[one]]
    finally:
        await client.stop()


def since_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize("to", ["yesterday", "2026-07-01", "2026-07-01T09:00:00"])
def test_a_time_that_is_none_is_wrong_usage(
    to: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["registration", "rewind", "registrar", "--to", to])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert "expected an RFC 3339 time" in capsys.readouterr().err
