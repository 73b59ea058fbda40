"""The page behind the link: looking changes nothing, an answer counts once, and every end says what to do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr

from services.notifier.app import create_app
from services.notifier.handlers import tell_the_end
from services.notifier.links import Links
from shared.events import Locale, Outcome, RegistrationClosed, RegistrationOpened
from shared.migrations import migrate
from shared.service import Service
from shared.settings import NotifierSettings
from tests.services.conftest import MovableClock, rows, told
from tests.sessions import browser

URL = "http://localhost:8001"
SECRET = "a key for links of tests"


@pytest.fixture
async def notifier(database_url: str, clock: MovableClock) -> AsyncIterator[Service]:
    await migrate(database_url, "notifier")
    settings = NotifierSettings(
        kafka_bootstrap_servers="localhost:1",  # never reached: the pages need no Kafka
        database_url=SecretStr(database_url),
        public_url=URL,
        portal_url="http://localhost:8002",
        smtp_url=SecretStr("smtp://localhost:1"),
        mail_from="registration@vngcloud.example",
        link_secret=[SecretStr(SECRET)],
    )
    service = create_app(settings, clock=clock)
    yield service
    await service.database.close()


@pytest.fixture
async def customer(notifier: Service) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(notifier.web, URL, accept_language="en") as opened:
        yield opened


async def opened(notifier: Service) -> UUID:
    """A registration whose customer is asked."""
    event = RegistrationOpened(
        registration_id=uuid4(),
        partner_id="saigon-cloud",
        partner_name="Saigon <Cloud>",
        customer_email="an@example.com",
        common_name="the partner's own label",
        role="Partner",
        locale=Locale.EN,
        requested_by="lan@saigon-cloud.example",
        requester_locale=Locale.VI,
        opened_at=datetime.now(UTC),
    )
    handler = notifier.consumer.inbox.handler_of(RegistrationOpened)
    async with notifier.database.transaction() as tx:
        await handler([event], tx)
    return event.registration_id


def path(registration_id: UUID) -> str:
    return f"/confirmations/{Links(URL, [SECRET]).token(registration_id)}"


async def test_opening_the_link_any_number_of_times_changes_nothing(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    link = path(await opened(notifier))
    before = await rows(notifier.database, "select * from confirmations")
    for method in ("GET", "HEAD", "GET"):
        assert (await customer.request(method, link)).status_code == 200
    assert await rows(notifier.database, "select * from confirmations") == before
    assert await told(notifier.database) == []


async def test_the_page_names_partner_and_account_but_never_the_partners_own_label(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    page = await customer.get(path(await opened(notifier)))
    assert "Saigon &lt;Cloud&gt;" in page.text and "an@example.com" in page.text
    assert "own label" not in page.text
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "same-origin")


@pytest.mark.parametrize(("answer", "other"), [("confirm", "decline"), ("decline", "confirm")])
async def test_an_answer_counts_once_its_repetition_is_fine_and_the_other_one_comes_too_late(
    notifier: Service, customer: httpx2.AsyncClient, answer: str, other: str
) -> None:
    link = path(await opened(notifier))
    statuses = [(await customer.post(f"{link}/{it}")).status_code for it in (answer, answer, other, other)]
    assert statuses == [200, 200, 409, 409]
    assert await told(notifier.database) == ["CustomerConfirmed" if answer == "confirm" else "CustomerDeclined"]
    assert (await customer.get(link)).status_code == 200


async def test_a_reason_for_declining_is_kept_and_one_that_is_too_long_is_asked_for_again_as_typed(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    link = path(await opened(notifier))
    again = await customer.post(f"{link}/decline", data={"reason": "x" * 1001})
    assert again.status_code == 422
    assert "x" * 1001 in again.text and "1000 characters" in again.text
    assert (await customer.post(f"{link}/decline", data={"reason": "  not\r\nnow "})).status_code == 200
    ((payload,),) = await rows(notifier.database, "select payload::json ->> 'reason' from outbox")
    assert payload == "not\nnow"


async def test_an_expired_link_says_so_and_takes_no_answer(
    notifier: Service, customer: httpx2.AsyncClient, clock: MovableClock
) -> None:
    link = path(await opened(notifier))
    clock.now += timedelta(days=15)
    page = await customer.get(link)
    assert (
        page.status_code == 200 and "has expired" in page.text and '<form method="post" action="/conf' not in page.text
    )
    assert (await customer.post(f"{link}/confirm")).status_code == 409
    assert await told(notifier.database) == []


async def test_a_registration_that_was_ended_meanwhile_takes_no_answer(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    registration_id = await opened(notifier)
    closed = RegistrationClosed(
        registration_id=registration_id,
        partner_id="saigon-cloud",
        partner_name="Saigon <Cloud>",
        customer_email="an@example.com",
        common_name="label",
        locale=Locale.EN,
        requested_by="lan@saigon-cloud.example",
        requester_locale=Locale.VI,
        outcome=Outcome.WITHDRAWN,
        reasons=(),
        closed_at=datetime.now(UTC),
    )
    async with notifier.database.transaction() as tx:
        await tell_the_end([closed], tx)
    page = await customer.get(path(registration_id))
    assert page.status_code == 200 and "no longer open" in page.text
    assert (await customer.post(f"{path(registration_id)}/confirm")).status_code == 409


@pytest.mark.parametrize("token", ["x", "%00", "a" * 5000, "../cases", "AAAA.BBBB"])
async def test_an_unknown_or_garbled_link_is_a_404_page(customer: httpx2.AsyncClient, token: str) -> None:
    for answer in (
        await customer.get(f"/confirmations/{token}"),
        await customer.post(f"/confirmations/{token}/confirm"),
    ):
        assert answer.status_code == 404 and "<h1" in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8002"])
async def test_a_form_posted_from_elsewhere_is_refused(notifier: Service, origin: str) -> None:
    link = path(await opened(notifier))
    async with browser(notifier.web, URL, origin=origin) as elsewhere:
        assert (await elsewhere.post(f"{link}/confirm")).status_code == 403
    assert await told(notifier.database) == []
