"""An event that names a partner counts for that partner's registrations only."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.events import ConfirmationResendRequested, Event, RegistrationRequested, RegistrationWithdrawn
from shared.topics import TOPICS
from tests.access.house import House, Matter
from tests.domain.facts import NOW, account_updated, requested, resend_requested, withdrawn

STRANGER = "a-stranger"
HEARD_BY: dict[type[Event], str] = {RegistrationWithdrawn: "registrar", ConfirmationResendRequested: "notifier"}


@pytest.fixture
async def house(fresh_url: str) -> AsyncIterator[House]:
    opened = House(fresh_url, ["registrar", "notifier"])
    yield opened
    await opened.close()


def asked(kind: type[Event], registration_id: UUID, partner_id: str) -> Event:
    if kind is RegistrationWithdrawn:
        return withdrawn(registration_id, partner_id=partner_id)
    return resend_requested(registration_id, partner_id=partner_id)


async def begun(house: House, service: str, matter: Matter) -> None:
    if service == "registrar":
        values = {name: value for name, value in matter.about().items() if name != "registration_id"}
        await house.hears(service, requested(matter.registration_id, **values))
    else:
        await house.hears(service, matter.opened())


async def strangers(house: House, service: str) -> list[tuple[str, str, str]]:
    async with house.services[service].database.engine.connect() as connection:
        found = await connection.execute(text("select event, actor, reason from history where note = 'wrong_partner'"))
        return [(row.event, row.actor, row.reason) for row in found]


def test_each_service_that_hears_what_a_partner_asks_is_tried() -> None:
    by_partners = (RegistrationWithdrawn, ConfirmationResendRequested)
    readers = {topic.event: tuple(topic.readers) for topic in TOPICS if topic.event in by_partners}
    assert readers == {kind: (service,) for kind, service in HEARD_BY.items()}


@pytest.mark.parametrize("when", ["before", "after", "before and after"])
@pytest.mark.parametrize("kind", HEARD_BY, ids=lambda kind: kind.__name__)
async def test_what_a_stranger_asks_changes_nothing_and_is_noted(house: House, kind: type[Event], when: str) -> None:
    service, matter, undisturbed = HEARD_BY[kind], Matter(), Matter()
    by_stranger = asked(kind, matter.registration_id, STRANGER)
    await house.hears("registrar", account_updated(matter.email), account_updated(undisturbed.email))
    await begun(house, service, undisturbed)
    if "before" in when:
        await house.hears(service, by_stranger)
    await begun(house, service, matter)
    if "after" in when:
        before = await house.stands(service, matter)
        await house.hears(service, by_stranger, by_stranger)
        after = await house.stands(service, matter)
        assert (before[1:], len(await strangers(house, service))) == (after[1:], 1)
    status = {"registrar": "awaiting_confirmation", "notifier": "pending"}[service]
    async with house.services[service].database.engine.connect() as connection:
        table = {"registrar": "registrations", "notifier": "confirmations"}[service]
        found = (await connection.execute(text(f"select status, version from {table}"))).all()
    assert [tuple(row) for row in found] == [(status, 1)] * 2
    [(event, actor, reason)] = await strangers(house, service)
    assert event == kind.type() and STRANGER in (actor, reason)


@pytest.mark.parametrize("kind", HEARD_BY, ids=lambda kind: kind.__name__)
async def test_a_stranger_who_asks_first_takes_nothing_from_the_partner(house: House, kind: type[Event]) -> None:
    """Of the very same moment, and before the registration is known."""
    service, matter = HEARD_BY[kind], Matter()
    await house.hears("registrar", account_updated(matter.email))
    await house.hears(service, asked(kind, matter.registration_id, STRANGER))
    await begun(house, service, matter)
    before = await house.stands(service, matter)
    await house.hears(service, asked(kind, matter.registration_id, matter.partner_id))
    told = (await house.stands(service, matter))[1]
    assert told == int(str(before[1])) + 1  # the withdrawal's end, or the refusal of a resend so soon


async def test_a_request_with_the_id_of_anothers_registration_tells_nothing_of_it(house: House) -> None:
    matter = Matter()
    await house.hears("registrar", account_updated(matter.email))
    await begun(house, "registrar", matter)
    before = await house.stands("registrar", matter)
    theirs = requested(matter.registration_id, partner_id=STRANGER, customer_email=matter.email, requested_at=NOW)
    async with house.services["registrar"].database.transaction() as tx:
        await house.services["registrar"].consumer.inbox.handler_of(RegistrationRequested)([theirs], tx)
        assert tx.refused == [(theirs, "registration_id_reused")]
    assert await house.stands("registrar", matter) == before
