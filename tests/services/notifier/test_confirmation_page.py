"""The page behind the link: looking changes nothing, an answer counts once, and every end says what to do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr

from services.notifier.app import create_app
from services.notifier.links import Links
from shared.events import Event, Locale, Outcome, RegistrationOpened
from shared.migrations import migrate
from shared.service import Service
from shared.settings import NotifierSettings
from tests.domain.facts import NOW, registration_approved, registration_closed, resend_requested
from tests.services.conftest import MovableClock, rows, told
from tests.services.notifier.conftest import act, mail_left
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
        approver_url="http://localhost:8003",
        review_mail_to=["reviews@vng.example"],
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
    await hear(notifier, event)
    return event.registration_id


async def asked(notifier: Service) -> UUID:
    """A registration whose mail has left: its link ends in 15 days."""
    registration_id = await opened(notifier)
    await mail_left(notifier.database, registration_id)
    return registration_id


async def hear(notifier: Service, event: Event) -> None:
    async with notifier.database.transaction() as tx:
        await notifier.consumer.inbox.handler_of(type(event))([event], tx)


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


async def test_the_page_says_until_when_it_is_valid_once_the_mail_has_left(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    registration_id = await opened(notifier)
    assert "valid until" not in (await customer.get(path(registration_id))).text
    await mail_left(notifier.database, registration_id)
    assert "valid until 16 Jul 2026, 16:00 (GMT+7)" in (await customer.get(path(registration_id))).text


async def test_the_first_link_opens_the_confirmation_that_was_sent_again(
    notifier: Service, customer: httpx2.AsyncClient, clock: MovableClock
) -> None:
    registration_id = await asked(notifier)
    clock.now += timedelta(days=14)
    await hear(notifier, resend_requested(registration_id, partner_id="saigon-cloud"))
    clock.now += timedelta(days=14)
    page = await customer.get(path(registration_id))
    assert "asks to manage" in page.text and "valid until" not in page.text
    assert (await customer.post(f"{path(registration_id)}/confirm")).status_code == 200
    assert (await told(notifier.database))[-1] == "CustomerConfirmed"


FROM_NOW = timedelta(minutes=5)  # then the matter was settled
ENDED_AT = NOW + FROM_NOW
WHEN = {"en": "1 Jul 2026, 16:05 (GMT+7)", "vi": "01/07/2026 16:05 (GMT+7)"}
ENDS = {
    "approved": registration_approved(approved_at=ENDED_AT),
    **{it.value: registration_closed(outcome=it, closed_at=ENDED_AT) for it in Outcome},
}


CLICKS = {"confirmed": "confirm", "declined": "decline"}


async def settle(notifier: Service, how: str, customer: httpx2.AsyncClient, clock: MovableClock) -> str:
    """A confirmation that ended as `how` says, five minutes after NOW; its path."""
    if how == "expired":
        clock.now += FROM_NOW - timedelta(days=15)
    registration_id = await asked(notifier)
    link = path(registration_id)
    if how == "expired":
        clock.now = ENDED_AT + timedelta(days=1)  # the scheduler may come late
        await act(notifier.database, clock)
    elif how in CLICKS:
        clock.now = ENDED_AT
        assert (await customer.post(f"{link}/{CLICKS[how]}")).status_code == 200
    else:
        await hear(notifier, ENDS[how].model_copy(update={"registration_id": registration_id}))
    return link


SETTLED: dict[str, dict[str, tuple[str, str, str]]] = {
    # by language: what was decided and by whom, and on the page what to do
    "confirmed": {
        "en": ("you confirmed on", "you have confirmed", "nothing more for you to do"),
        "vi": ("bạn đã xác nhận vào", "bạn đã xác nhận", "không cần làm gì thêm"),
    },
    "declined": {
        "en": ("you declined on", "You have declined", "to register you again later"),
        "vi": ("bạn đã từ chối vào", "Bạn đã từ chối", "đăng ký lại cho bạn sau"),
    },
    "expired": {
        "en": ("the time to answer ended on", "This link has expired", "to register it again"),
        "vi": ("thời hạn trả lời đã hết vào", "Liên kết này đã hết hạn", "đăng ký lại"),
    },
    "withdrawn": {
        "en": ("Saigon &lt;Cloud&gt; withdrew the request on", "has withdrawn its request", "it can register"),
        "vi": ("Saigon &lt;Cloud&gt; đã rút lại đề nghị vào", "đã rút lại đề nghị", "họ có thể đăng ký lại"),
    },
    "approved": {
        "en": ("VNG Cloud approved the registration on", "The registration is approved", "For questions"),
        "vi": ("VNG Cloud đã phê duyệt đăng ký vào", "Đăng ký đã được xác nhận", "Mọi câu hỏi"),
    },
    "rejected": {
        "en": ("VNG Cloud rejected the registration on", "was not approved", "For questions"),
        "vi": ("VNG Cloud đã từ chối đăng ký vào", "không được phê duyệt", "Mọi câu hỏi"),
    },
    "refused": {
        "en": ("VNG Cloud ended the registration on", "no longer open", "For questions"),
        "vi": ("VNG Cloud đã kết thúc đăng ký vào", "Đề nghị này đã kết thúc", "Mọi câu hỏi"),
    },
}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("how", list(SETTLED))
async def test_a_link_that_is_over_says_what_happened_when_and_what_to_do_and_takes_no_answer(
    notifier: Service, clock: MovableClock, how: str, language: str
) -> None:
    decided, happened, to_do = SETTLED[how][language]
    async with browser(notifier.web, URL) as customer:
        customer.cookies.set("notifier-8001-language", language)
        link = await settle(notifier, how, customer, clock)
        before = await told(notifier.database)
        page = await customer.get(link)
        answers = [answer for answer in ("confirm", "decline") if answer != CLICKS.get(how)]
        refused = [await customer.post(f"{link}/{answer}") for answer in answers]
    assert page.status_code == 200
    assert all(words in page.text for words in (happened, WHEN[language], to_do))
    assert '<form method="post" action="/conf' not in page.text and 'role="alert"' not in page.text
    assert [answer.status_code for answer in refused] == [409] * len(answers)
    assert all(f"{decided} {WHEN[language]}" in answer.text for answer in refused)
    assert await told(notifier.database) == before


async def test_a_link_whose_time_is_over_takes_no_answer_even_before_the_scheduler_comes(
    notifier: Service, customer: httpx2.AsyncClient, clock: MovableClock
) -> None:
    link = path(await asked(notifier))
    clock.now += timedelta(days=15)
    assert "has expired" in (await customer.get(link)).text
    assert (await customer.post(f"{link}/confirm")).status_code == 409
    assert await told(notifier.database) == ["ConfirmationSent"]


@pytest.mark.parametrize("how", ["withdrawn", "approved", "rejected"])
async def test_what_vng_or_the_partner_decided_after_the_answer_is_what_the_page_says(
    notifier: Service, customer: httpx2.AsyncClient, how: str
) -> None:
    registration_id = await asked(notifier)
    link = path(registration_id)
    await customer.post(f"{link}/confirm")
    await hear(notifier, ENDS[how].model_copy(update={"registration_id": registration_id}))
    again = await customer.post(f"{link}/confirm")
    assert again.status_code == 200 and SETTLED[how]["en"][1] in again.text


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
