"""The page behind the link: looking changes nothing, an answer counts once, and every end says what to do."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.notifier.app import create_app
from services.notifier.links import Links
from shared.events import Event, Locale, Outcome, RegistrationOpened
from shared.service import Service
from shared.settings import NotifierSettings
from shared.web.bidi import balanced
from tests.domain.facts import NOW, registration_approved, registration_closed, resend_requested
from tests.names import HOSTILE, SIGNS, outside_isolates
from tests.purging import purge
from tests.services.conftest import MovableClock, rows, told
from tests.services.notifier.conftest import act, mail_left
from tests.sessions import browser

URL = "http://localhost:8001"
SECRET = "a key for links of tests"


@pytest.fixture
async def notifier(database_url: str, clock: MovableClock) -> AsyncIterator[Service]:
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


async def opened(notifier: Service, partner_name: str = "Saigon <Cloud>") -> UUID:
    """A registration whose customer is asked."""
    event = RegistrationOpened(
        registration_id=uuid4(),
        partner_id="saigon-cloud",
        partner_name=partner_name,
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


async def asked(notifier: Service, partner_name: str = "Saigon <Cloud>") -> UUID:
    """A registration whose mail has left: its link ends in 15 days."""
    registration_id = await opened(notifier, partner_name)
    await mail_left(notifier.database, registration_id)
    return registration_id


async def hear(notifier: Service, event: Event) -> None:
    async with notifier.database.transaction() as tx:
        await notifier.consumer.inbox.handler_of(type(event))([event], tx)


WHOM_TO_ASK = {"en": "ask VNG Cloud's support", "vi": "liên hệ bộ phận hỗ trợ của VNG Cloud"}


def words(page: httpx2.Response) -> str:
    """What a page says, without its markup, in single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"</?bdi>", "", page.text))).split())


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


@pytest.mark.parametrize(
    ("first", "again", "lost"),
    [
        ("", "Not <now>", True),
        ("Not yet", "Not <now>", True),
        ("Not <now>", "Not <now>", False),
        ("Not yet", "", False),
    ],
)
async def test_a_reason_that_comes_after_the_answer_is_given_back_and_said_not_to_be_passed_on(
    notifier: Service, customer: httpx2.AsyncClient, first: str, again: str, lost: bool
) -> None:
    link = path(await opened(notifier))
    await customer.post(f"{link}/decline", data={"reason": first})
    page = await customer.post(f"{link}/decline", data={"reason": again})
    assert page.status_code == 200
    said = "You had declined already; this reason was not passed on: Not <now>"
    assert (said in words(page)) == lost and ("passed on" in words(page)) == lost
    ((reason,),) = await rows(notifier.database, "select payload::json ->> 'reason' from outbox")
    assert reason == (first or None)


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


async def settle(
    notifier: Service,
    how: str,
    customer: httpx2.AsyncClient,
    clock: MovableClock,
    partner_name: str = "Saigon <Cloud>",
) -> str:
    """A confirmation that ended as `how` says, five minutes after NOW; its path."""
    if how == "expired":
        clock.now += FROM_NOW - timedelta(days=15)
    registration_id = await asked(notifier, partner_name)
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
        "en": ("you confirmed on", "You have already confirmed", "nothing more for you to do"),
        "vi": ("bạn đã xác nhận vào", "Bạn đã xác nhận trước đó", "không cần làm gì thêm"),
    },
    "declined": {
        "en": ("you declined on", "You have already declined", "to register you again later"),
        "vi": ("bạn đã từ chối vào", "Bạn đã từ chối trước đó", "đăng ký lại cho bạn sau"),
    },
    "expired": {
        "en": ("the time to answer ended on", "This link has expired", "to register it again"),
        "vi": ("thời hạn trả lời đã hết vào", "Liên kết này đã hết hạn", "đăng ký lại"),
    },
    "withdrawn": {
        "en": ("Saigon <Cloud> withdrew the request on", "has withdrawn its request", "it can register"),
        "vi": ("Saigon <Cloud> đã rút lại đề nghị vào", "đã rút lại đề nghị", "họ có thể đăng ký lại"),
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
    assert all(said in words(page) for said in (happened, WHEN[language], to_do, WHOM_TO_ASK[language]))
    assert '<form method="post" action="/conf' not in page.text and 'role="alert"' not in page.text
    assert [answer.status_code for answer in refused] == [409] * len(answers)
    assert all(f"{decided} {WHEN[language]}" in words(answer) for answer in refused)
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


@pytest.mark.parametrize(
    ("language", "what_to_do"),
    [
        ("en", ("This link does not work", "copy the whole address", "ask the partner", "VNG Cloud's support")),
        ("vi", ("Liên kết này không dùng được", "sao chép toàn bộ địa chỉ", "đối tác", "hỗ trợ của VNG Cloud")),
    ],
)
@pytest.mark.parametrize("rest", ["", "/", "/x", "/%00", f"/{'a' * 5000}", "/AAAA.BBBB", "/x/y/z", "s"])
async def test_a_link_that_is_unknown_or_cut_off_says_what_a_customer_can_do(
    notifier: Service, rest: str, language: str, what_to_do: tuple[str, ...]
) -> None:
    async with browser(notifier.web, URL, accept_language=language) as customer:
        answers = [
            await customer.get(f"/confirmations{rest}"),
            await customer.get(f"/confirmations{rest}/confirm"),
            await customer.post(f"/confirmations{rest}/confirm"),
            await customer.post(f"/confirmations{rest}/decline", data={"reason": "x" * 1001}),
        ]
    for answer in answers:
        assert answer.status_code == 404
        assert all(said in words(answer) for said in what_to_do)


async def test_a_token_of_ours_whose_confirmation_is_not_here_is_an_unknown_link(customer: httpx2.AsyncClient) -> None:
    link = path(uuid4())
    for answer in (await customer.get(link), await customer.post(f"{link}/confirm")):
        assert answer.status_code == 404 and "This link does not work" in answer.text


@pytest.mark.parametrize("answer", ["confirm", "decline"])
async def test_the_page_after_an_answer_can_be_reloaded_as_a_page(
    notifier: Service, customer: httpx2.AsyncClient, answer: str
) -> None:
    link = path(await opened(notifier))
    again = await customer.get(f"{link}/{answer}")
    assert (again.status_code, again.headers["location"]) == (303, link)
    assert await told(notifier.database) == []


@pytest.mark.parametrize(
    ("answer", "thanks", "later"),
    [
        ("confirm", "Thank you, you have confirmed", "You have already confirmed"),
        ("decline", "You have declined", "You have already declined"),
    ],
)
async def test_who_answered_reads_what_comes_next_and_on_coming_back_that_it_was_done_before(
    notifier: Service, customer: httpx2.AsyncClient, answer: str, thanks: str, later: str
) -> None:
    link = path(await opened(notifier))
    for page in (await customer.post(f"{link}/{answer}"), await customer.post(f"{link}/{answer}")):
        assert thanks in words(page)
    assert later in words(await customer.get(link))
    assert ("What happens next" in page.text) == (answer == "confirm")


async def test_both_answers_stand_in_forms_of_their_own_and_confirming_asks_for_nothing_more(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    page = (await customer.get(path(await opened(notifier)))).text
    confirm, decline = re.findall(r'<form class="card".*?</form>', page, re.DOTALL)
    assert "/confirm" in confirm and "<textarea" not in confirm
    assert "/decline" in decline and "<textarea" in decline and " required" not in decline


async def test_characters_that_no_page_may_hold_are_not_given_back(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    again = await customer.post(f"{path(await opened(notifier))}/decline", data={"reason": "a\x00\x07b"})
    assert again.status_code == 422
    assert "a\ufffd\ufffdb" in again.text and "\x07" not in again.text


@pytest.mark.parametrize("how", ["open", "withdrawn"])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_a_partner_is_called_the_page_shows_it_as_a_name_among_words(
    notifier: Service, customer: httpx2.AsyncClient, clock: MovableClock, name: str, how: str
) -> None:
    link = path(await opened(notifier, name)) if how == "open" else await settle(notifier, how, customer, clock, name)
    page = (await customer.get(link)).text
    names = set(re.findall("<bdi>(.*?)</bdi>", page))
    assert html.escape(balanced(name), quote=False) in {it.replace("&#34;", '"').replace("&#39;", "'") for it in names}
    rest = re.sub("<bdi>.*?</bdi>|<title>.*?</title>", "", page)
    assert not SIGNS.search(rest) and "<b " not in page
    assert not SIGNS.search(outside_isolates(page.split("<title>")[1].split("</title>")[0]))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8002"])
async def test_a_form_posted_from_elsewhere_is_refused(notifier: Service, origin: str) -> None:
    link = path(await opened(notifier))
    async with browser(notifier.web, URL, origin=origin) as elsewhere:
        assert (await elsewhere.post(f"{link}/confirm")).status_code == 403
    assert await told(notifier.database) == []


async def test_the_link_of_a_confirmation_that_was_purged_is_an_unknown_one(
    notifier: Service, customer: httpx2.AsyncClient, database_url: str
) -> None:
    registration_id = await asked(notifier)
    await hear(notifier, registration_closed(registration_id, Outcome.EXPIRED))
    async with notifier.database.engine.begin() as connection:
        await connection.execute(text("update emails set state = 'sent'"))
    assert "notifier: 1 confirmations blanked" in await purge(database_url)
    link = path(registration_id)
    for answer in (await customer.get(link), *[await customer.post(f"{link}/{it}") for it in ("confirm", "decline")]):
        assert answer.status_code == 404 and "Saigon" not in answer.text
    too_long = await customer.post(f"{link}/decline", data={"reason": "x" * 2000})
    assert too_long.status_code == 404
    assert await told(notifier.database) == ["ConfirmationSent"]


async def test_those_who_answer_at_once_share_a_transaction_and_each_counts_once(
    notifier: Service, customer: httpx2.AsyncClient
) -> None:
    links = [path(await asked(notifier)) for _ in range(4)]
    confirmed = [customer.post(f"{link}/confirm") for link in (*links, links[0])]
    declined = customer.post(f"{links[0]}/decline", data={"reason": "too late"})
    unknown = customer.post(f"{path(uuid4())}/confirm")
    answers = await asyncio.gather(*confirmed, declined, unknown)
    assert [it.status_code for it in answers] == [200] * 5 + [409, 404]
    assert await told(notifier.database) == ["ConfirmationSent"] * 4 + ["CustomerConfirmed"] * 4
    written = await rows(notifier.database, "select distinct xmin::text from confirmations")
    assert len(written) < len(links), "each had a transaction of its own"
