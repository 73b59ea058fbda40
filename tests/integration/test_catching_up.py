"""The start-up rules: nothing is decided before the account facts that were there at start have been read, and nothing
by the clock before all events that were there have been."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from services.registrar.app import create_app
from shared.clock import system_clock
from shared.database import Transaction
from shared.events import CustomerDeclined
from shared.messaging.batch import Handlers
from shared.scheduler import Deadline
from shared.service import Service
from shared.settings import RegistrarSettings
from tests.integration.conftest import PATIENCE, Publish, World, serving
from tests.integration.test_flow import account, request


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
