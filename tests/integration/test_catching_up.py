"""The start-up rule: nothing is decided before the account facts that were there at start have been read."""

from services.registrar.app import create_app
from shared.settings import RegistrarSettings
from tests.integration.conftest import Publish, World, serving
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
