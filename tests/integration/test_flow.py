"""From request to Approved through the four services as processes, on real Kafka, PostgreSQL and mail."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from commands.demo.people import Browser
from commands.show import show
from embedded.process import Process
from shared.events import (
    AccountUpdated,
    Billing,
    Locale,
    RegistrationApproved,
    RegistrationRequested,
)
from shared.settings import DatabaseSettings
from shared.topics import PARTITIONS, SERVICES
from tests.integration.conftest import Publish, World, read_topic, until_ready
from tests.integration.people import REVIEWER, approve, confirm

NOW = datetime.now(UTC)


def account(email: str, **facts: object) -> AccountUpdated:
    values: dict[str, object] = {
        "email": email,
        "account_id": f"vng-{email}",
        "holder_name": "Nguyễn Văn An",
        "locale": Locale.VI,
        "billing": Billing.PREPAID,
        "credit_balance": 0,
        "active_services": 0,
        "active_discounts": 0,
        "in_poc": False,
        "vng_customer": False,
        "version": 1,
        "updated_at": NOW,
        **facts,
    }
    return AccountUpdated.model_validate(values)


def request(email: str, partner: str = "saigon-cloud") -> RegistrationRequested:
    return RegistrationRequested(
        registration_id=uuid4(),
        partner_id=partner,
        partner_name="Saigon Cloud",
        customer_email=email,
        common_name="Minh Phát",
        requested_by="lan@saigon-cloud.example",
        requested_at=NOW,
    )


@pytest.fixture
def partitions() -> int:
    """As in production: whoever is killed loses several, and takes them all again."""
    return PARTITIONS


class Fleet:
    """The four services as processes. Each keeps its address over its lives."""

    def __init__(self, world: World, processes: list[Process]) -> None:
        self._world = world
        self._processes = processes
        self._running: dict[str, Process] = {}
        self.urls: dict[str, str] = {}

    def start(self, service: str) -> None:
        port = int(self.urls[service].rpartition(":")[2]) if service in self.urls else None
        started, self.urls[service] = self._world.start(service, port)
        self._running[service] = started
        self._processes.append(started)

    async def all_ready(self) -> None:
        await asyncio.gather(*(until_ready(url) for url in self.urls.values()))

    def kill(self, service: str) -> None:
        self._running[service].kill()


@pytest.fixture
async def fleet(world: World, processes: list[Process]) -> Fleet:
    world.extra["MAIL_CLAIM_FOR"] = "PT8S"  # a killed notifier's mails are sent again after that
    fleet = Fleet(world, processes)
    for service in SERVICES:
        fleet.start(service)
    await fleet.all_ready()
    return fleet


@pytest.mark.timeout(400)
async def test_no_registration_is_lost_or_doubled_when_services_are_killed_at_any_moment(
    world: World, fleet: Fleet, publish: Publish
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    emails = [f"c{n}@example.com" for n in range(120)]
    requests = [request(email, f"partner-{n % 4}") for n, email in enumerate(emails)]
    mailbox = world.servers.mailbox
    assert mailbox

    async def kill_some() -> None:
        for service in chance.sample([*SERVICES, "registrar", "notifier", "approver"], 7):
            await asyncio.sleep(chance.uniform(0.2, 1.5))  # the moment of a crash is anybody's guess
            await asyncio.to_thread(fleet.kill, service)
            fleet.start(service)

    async def live(it: RegistrationRequested, staff: Browser) -> str:
        message_id = await confirm(mailbox, it.customer_email)
        await approve(staff, it.registration_id)
        return message_id

    await publish(*(account(email) for email in emails))
    async with Browser(fleet.urls["approver"]) as staff:
        await staff.sign_in("/cases", REVIEWER)
        killing = asyncio.create_task(kill_some())
        await publish(*requests)
        await asyncio.gather(*(live(it, staff) for it in requests))
        await killing

    approved = await read_topic(world, RegistrationApproved, "registrar", len(requests))
    by_id: dict[UUID, set[bytes]] = {}
    for record in approved:
        event = RegistrationApproved.model_validate_json(record.value)
        by_id.setdefault(event.registration_id, set()).add(dict(record.headers)["ce_id"])
    assert set(by_id) == {it.registration_id for it in requests}
    assert all(len(ids) == 1 for ids in by_id.values()), "one logical event for each approval"
    for service in ("registrar", "approver", "portal"):
        table = {"registrar": "registrations", "approver": "cases", "portal": "registrations"}[service]
        sql = f"select status, count(*) from {table} group by status"
        await world.until(service, sql, lambda rows: [tuple(row) for row in rows] == [("approved", 120)])
    for service in SERVICES:
        assert await world.rows(service, "select topic, reason from quarantine") == []
        await world.until(service, "select * from outbox", lambda rows: not rows)
        steps = (
            "select registration_id, version, count(*) from history where note = '' group by 1, 2 having count(*) > 1"
        )
        assert await world.rows(service, steps) == []
    settings = DatabaseSettings(database_url=world.settings.database_url)
    told = [line for line in await show(settings, requests[0].registration_id, all_services=True) if "[" not in line]
    for what in (
        "registrar  awaiting_approval -> approved  VngApproved  by hoa@vng.example",
        "notifier   pending -> confirmed  CustomerConfirmed",
        "approver   open -> approved  VngApproved  by hoa@vng.example",
        "portal     awaiting_approval -> approved  RegistrationApproved",
    ):
        assert sum(what in line for line in told) == 1, (what, told)
    shown = await show(settings, requests[0].registration_id)
    assert "  status      approved" in shown
    assert sum("-> approved  VngApproved  by hoa@vng.example" in line for line in shown if "[" not in line) == 1
    ids: dict[str, Counter[str]] = {}
    for mail in mailbox.messages():
        if mail.to[0] in emails:
            ids.setdefault(mail.to[0], Counter())[mail.message_id] += 1
    assert all(len(seen) <= 2 for seen in ids.values()), "a confirmation and an approval, each known by its Message-ID"
