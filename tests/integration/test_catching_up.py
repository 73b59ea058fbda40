"""The start-up rules: nothing is decided before the account facts that were there at start have been read, and nothing
by the clock before all events that were there have been."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import SecretStr

from services.notifier.app import create_app as notifier
from services.registrar.app import create_app
from shared.clock import system_clock
from shared.database import Transaction
from shared.events import CustomerDeclined, Locale, Outcome, RegistrationClosed, RegistrationOpened
from shared.messaging.batch import Handlers
from shared.scheduler import Deadline
from shared.service import Service
from shared.settings import NotifierSettings, RegistrarSettings
from tests.integration.conftest import PATIENCE, Publish, World, serving
from tests.integration.told import account, request


async def test_requests_that_wait_beside_a_long_backlog_of_accounts_are_decided_on_the_newest_facts(
    world: World, publish: Publish
) -> None:
    emails = [f"late{n}@example.com" for n in range(50)]
    await publish(*(request(email) for email in emails))
    await publish(*(account(f"other{n}@example.com") for n in range(4000)))
    await publish(*(account(email, credit_balance=5, version=1) for email in emails))
    await publish(*(account(email, credit_balance=0, version=2) for email in emails))
    service = create_app(RegistrarSettings(**world.settings.model_dump()))
    async with serving(service):
        sql = "select status, count(*) from registrations group by status"
        rows = await world.until("registrar", sql, lambda rows: sum(row[1] for row in rows) == 50)
        assert await service.checks["caught up at start"]() is None
    assert [tuple(row) for row in rows] == [("awaiting_confirmation", 50)]


async def test_no_deadline_acts_before_the_events_that_were_waiting_have_been_read(
    world: World, publish: Publish
) -> None:
    waiting = 2500  # several batches
    read = 0
    first_act = asyncio.get_running_loop().create_future()

    async def count(events: Sequence[CustomerDeclined], _tx: Transaction) -> None:
        nonlocal read
        read += len(events)

    async def act(_tx: Transaction, _most: int, _skip: int) -> int:
        if not first_act.done():
            first_act.set_result(read)
        return 0

    at = datetime.now(UTC)
    await publish(*(CustomerDeclined(registration_id=uuid4(), reason=None, declined_at=at) for _ in range(waiting)))
    handlers: Handlers = {CustomerDeclined: count}
    async with serving(Service("registrar", world.settings, system_clock, handlers, deadlines=[Deadline("look", act)])):
        async with asyncio.timeout(PATIENCE):
            assert await first_act == waiting


async def test_no_mail_leaves_before_the_events_that_were_waiting_have_been_read(
    world: World, publish: Publish
) -> None:
    """What lies in Kafka may make it needless."""
    email, now = f"{uuid4()}@example.com", datetime.now(UTC)
    opened = RegistrationOpened.about(request(email), locale=Locale.VI, opened_at=now)
    closed = {"outcome": Outcome.WITHDRAWN, "reasons": (), "closed_at": now}
    others = (RegistrationClosed.about(request(f"other{n}@example.com"), locale=None, **closed) for n in range(3000))
    service = notifier(settings_of_notifier(world))
    async with service.database.transaction(now) as tx:
        await service.consumer.inbox.handler_of(RegistrationOpened)([opened], tx)
    await publish(*others, RegistrationClosed.about(opened, **closed))
    async with serving(service):
        sql = f"select state, detail from emails where registration_id = '{opened.registration_id}'"
        [(state, detail)] = await world.until("notifier", sql, lambda rows: [row[0] for row in rows] != ["queued"])
    assert (state, detail) == ("failed", "not sent: the confirmation was over before")
    assert world.servers.mailbox
    assert world.servers.mailbox.messages(to=email) == []


def settings_of_notifier(world: World) -> NotifierSettings:
    return NotifierSettings(
        **world.settings.model_dump(),
        public_url="http://127.0.0.1:1",
        portal_url="http://127.0.0.1:2",
        approver_url="http://127.0.0.1:3",
        smtp_url=SecretStr(world.servers.smtp_url),
        mail_from="registration@vngcloud.example",
        review_mail_to=["reviews@vng.example"],
        link_secret=[SecretStr("a key for links of tests")],
    )
