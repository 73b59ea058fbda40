"""The list and the details, over HTTP on the real application and database."""

import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.portal import store
from services.portal.domain import Status
from services.portal.facts import Fact
from services.portal.handlers import update_registrations
from shared.database import Database
from shared.events import Locale, Outcome
from tests.services.conftest import MovableClock
from tests.services.portal.conftest import AN, BINH, STAFF, Browse
from tests.services.portal.facts import (
    ID,
    approved,
    closed,
    confirmed,
    minutes,
    opened,
    requested,
    resend_refused,
    sent,
    undeliverable,
)

PAGE = f"/accounts/{ID}"
both_languages = pytest.mark.parametrize("locale", Locale)


async def hear(database: Database, *facts: Fact) -> None:
    async with database.transaction() as tx:
        await update_registrations(facts, tx)


async def test_a_partner_sees_its_own_registrations_only(browse: Browse, database: Database) -> None:
    theirs = uuid4()
    await hear(database, opened(), opened(theirs, "p-2", common_name="Khách của B"))
    page = await browse().get("/accounts")
    assert page.status_code == 200
    assert "Khách Một" in page.text
    assert "Khách của B" not in page.text
    assert "Khách Một" not in (await browse(BINH).get("/accounts")).text


@pytest.mark.parametrize(
    "path", ["/accounts/11111111-1111-4111-8111-111111111111", "/accounts/not-an-id", "/accounts/%00"]
)
async def test_an_unknown_or_malformed_id_is_a_404_page(browse: Browse, path: str) -> None:
    answer = await browse().get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


async def test_another_partners_registration_is_a_404_page(browse: Browse, database: Database) -> None:
    await hear(database, opened())
    answer = await browse(BINH).get(PAGE)
    assert answer.status_code == 404
    assert "khach@example.com" not in answer.text
    assert (await browse().get(PAGE)).status_code == 200


async def test_the_newest_is_listed_first_with_its_dates(browse: Browse, database: Database) -> None:
    ids = [UUID(int=n) for n in (1, 2)]
    async with database.transaction() as tx:
        await store.request(
            tx, [requested(one, common_name=f"Số {n}", requested_at=minutes(n)) for n, one in enumerate(ids)]
        )
    await hear(database, confirmed(ids[0]))
    page = (await browse().get("/accounts")).text
    assert page.index("Số 1") < page.index("Số 0")
    for said in (">1 Jul 2026, 16:00</time>", ">1 Jul 2026, 16:40</time>", "GMT+7", "khach@example.com"):
        assert said in page


@pytest.mark.parametrize(
    ("fact", "english", "vietnamese"),
    [
        (opened(), "Waiting for the customer's confirmation", "Chờ khách hàng xác nhận"),
        (confirmed(), "Waiting for VNG Cloud's approval", "Chờ VNG Cloud phê duyệt"),
        (approved(), "Approved", "Đã xác nhận"),
        (closed(Outcome.REFUSED), "Refused", "Không được chấp nhận"),
        (closed(Outcome.DECLINED), "Declined by the customer", "Khách hàng từ chối"),
        (closed(Outcome.EXPIRED), "Expired: not confirmed in time", "Hết hạn xác nhận"),
        (closed(Outcome.WITHDRAWN), "Withdrawn", "Đã rút lại"),
        (closed(Outcome.REJECTED), "Rejected by VNG Cloud", "VNG Cloud từ chối"),
    ],
)
async def test_a_status_is_said_in_the_readers_language(
    browse: Browse, database: Database, fact: Fact, english: str, vietnamese: str
) -> None:
    await hear(database, fact)
    browser = browse()
    for path in ("/accounts", PAGE):
        assert f">{english}</span>" in (await browser.get(path)).text
    await browser.post("/language", data={"language": "vi", "back": PAGE})
    assert f">{vietnamese}</span>" in (await browser.get(PAGE)).text


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("not_registered", "not an account registered with VNG Cloud"),
        ("already_registered", "registered for a partner already"),
        ("current_customer", "a customer of VNG Cloud already"),
        ("too_many_open", "Too many of your registrations"),
        ("declined_recently", "a short while ago"),
        ("withdrawn_too_often", "Add this customer again in a few days"),
        ("Hợp đồng <riêng>", "Hợp đồng &lt;riêng&gt;"),
    ],
)
async def test_a_reason_is_a_sentence_for_people(browse: Browse, database: Database, reason: str, says: str) -> None:
    await hear(database, closed(Outcome.REFUSED, reason))
    page = (await browse().get(PAGE)).text
    assert says in page
    assert reason not in page


async def test_the_conditions_are_listed_without_saying_which_one_failed(browse: Browse, database: Database) -> None:
    await hear(database, closed(Outcome.REFUSED, "conditions_not_met"))
    page = (await browse().get(PAGE)).text
    for said in ("no credit balance", "services", "discounts", "POC", "prepaid"):
        assert said in page


async def test_the_details_tell_the_story(browse: Browse, database: Database) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    await hear(database, opened(), opened(), sent(1), undeliverable(12))
    page = (await browse().get(PAGE)).text
    assert "16 Jul" not in page
    for said in ("an@partner.example", "550 no mailbox 12"):
        assert said in page
    assert "Link valid until" not in page  # the mail that failed began another period


async def test_the_details_say_how_long_the_link_is_valid_and_whether_the_mail_has_left(
    browse: Browse, database: Database
) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    await hear(database, opened())
    page = (await browse().get(PAGE)).text
    assert "not yet" in page and "Link valid until" not in page
    await hear(database, sent(1))
    page = (await browse().get(PAGE)).text
    assert "not yet" not in page
    assert "Link valid until" in page and "2 Jul 2026, 08:40 (GMT+7)" in page


@pytest.mark.parametrize(
    ("outcome", "reason", "said"),
    [
        (Outcome.DECLINED, "declined_recently", "“<bdi>declined_recently</bdi>”"),
        (Outcome.REJECTED, "current_customer", "This account is a customer of VNG Cloud already."),
        (Outcome.REFUSED, "declined_recently", "Talk to the customer before you add the account again."),
    ],
)
async def test_only_codes_of_ours_speak_in_our_words(
    browse: Browse, database: Database, outcome: Outcome, reason: str, said: str
) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    await hear(database, closed(outcome, reason))
    assert said in (await browse().get(PAGE)).text


STORY_TOLD = [
    ("Registered by an@partner.example", "an@partner.example đã đăng ký"),
    ("the customer is asked to confirm", "yêu cầu khách hàng xác nhận"),
    ("Confirmation email no. 1 sent", "Đã gửi email xác nhận lần 1"),
    ("could not be delivered. The mail server said: 550 no mailbox 12", "Không gửi được email xác nhận."),
    ("not sent again: the last one had gone out only a short", "không được gửi lại vì email trước đó vừa"),
    ("an@partner.example asked to send the confirmation", "an@partner.example đã yêu cầu gửi lại"),
    ("Confirmation email no. 2 sent", "Đã gửi email xác nhận lần 2"),
    ("Confirmed by the customer, khach@example.com", "Khách hàng khach@example.com đã xác nhận"),
    ("an@partner.example asked to withdraw", "an@partner.example đã yêu cầu rút lại"),
    ("Nhầm &lt;khách&gt;", "Nhầm &lt;khách&gt;"),
    ("Withdrawn", "Đã rút lại"),
]


@both_languages
async def test_the_timeline_says_who_when_and_why_oldest_first(
    browse: Browse, database: Database, clock: MovableClock, locale: Locale
) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    browser = browse(replace(AN, locale=locale))
    await hear(database, sent(1), sent(1), undeliverable(12), opened(), opened())  # not in their order, and again
    clock.now = minutes(15)
    await browser.post(f"{PAGE}/resend")
    await hear(database, sent(2), resend_refused(14, "too_soon"), confirmed(), sent(1))
    clock.now = minutes(45)
    await browser.post(f"{PAGE}/withdraw", data={"reason": "Nhầm <khách>"})
    await hear(database, closed(Outcome.WITHDRAWN, "Nhầm <khách>"))
    page = re.sub("</?bdi>", "", (await browser.get(PAGE)).text.split('id="timeline"')[1])
    places = [page.index(told[locale is Locale.VI]) for told in STORY_TOLD]
    assert places == sorted(places)
    assert page.count("<li>") == len(STORY_TOLD) - 1  # the reason stands in its line
    assert page.count("Nhầm") == 1


@both_languages
@pytest.mark.parametrize(
    ("fact", "english", "vietnamese"),
    [
        (approved(), "Approved by VNG Cloud's staff", "Nhân viên VNG Cloud đã phê duyệt"),
        (
            approved(by="policy:current-customer"),
            "Approved without a review: the account was a customer of VNG Cloud already",
            "Được phê duyệt mà không cần xem xét",
        ),
        (closed(Outcome.REFUSED, "already_registered"), "registered for a partner already", "đã được đăng ký cho một"),
        (closed(Outcome.DECLINED, "Không quen"), "Declined by the customer", "Không quen"),
        (closed(Outcome.REJECTED, "Chưa đạt"), "Rejected by VNG Cloud", "Chưa đạt"),
        (closed(Outcome.EXPIRED), "Expired: not confirmed in time", "Hết hạn xác nhận"),
        (resend_refused(code="limit"), "sent as often as it can be", "đã gửi đủ số lần cho phép"),
        (resend_refused(code="too_soon"), "only a short while before", "vừa được gửi cách đó không lâu"),
        (resend_refused(code="not_pending"), "not being asked at that moment", "không ở trạng thái chờ khách hàng"),
    ],
)
async def test_each_thing_that_happened_is_a_sentence(
    browse: Browse, database: Database, fact: Fact, english: str, vietnamese: str, locale: Locale
) -> None:
    await hear(database, fact)
    page = (await browse(replace(AN, locale=locale)).get(PAGE)).text.split('id="timeline"')[1]
    assert (vietnamese if locale is Locale.VI else english) in page
    for raw in ("policy:", "already_registered", "too_soon", "not_pending", fact.type()):
        assert raw not in page


@pytest.mark.parametrize("outcome", Outcome)
async def test_a_closed_registration_can_be_registered_again(
    browse: Browse, database: Database, outcome: Outcome
) -> None:
    link = f"/accounts/add?again={ID}"
    await hear(database, opened())
    assert link not in (await browse().get(PAGE)).text
    await hear(database, closed(outcome))
    assert link in (await browse().get(PAGE)).text


async def test_an_approved_registration_is_not_registered_again(browse: Browse, database: Database) -> None:
    await hear(database, approved())
    assert "?again=" not in (await browse().get(PAGE)).text


@both_languages
async def test_a_mail_that_could_not_be_delivered_is_said_until_another_is_sent(
    browse: Browse, database: Database, locale: Locale
) -> None:
    hint, advice = {
        Locale.EN: ("Could not be delivered", "register the customer with the right one"),
        Locale.VI: ("Không gửi được email", "đăng ký khách hàng với địa chỉ đúng"),
    }[locale]
    browser = browse(replace(AN, locale=locale))
    await hear(database, opened(), undeliverable(12))
    assert hint in (await browser.get("/accounts")).text
    page = (await browser.get(PAGE)).text
    assert hint in page and advice in page and "550 no mailbox 12" in page
    assert f'action="{PAGE}/resend"' in page and f'action="{PAGE}/withdraw"' in page
    await hear(database, sent(2))
    assert hint not in (await browser.get("/accounts")).text
    assert advice not in (await browser.get(PAGE)).text


async def test_the_dates_that_help_a_waiting_partner_are_shown(
    browse: Browse, database: Database, clock: MovableClock
) -> None:
    await hear(database, opened(), sent(1, next_resend_at=minutes(70)))
    page = (await browse().get(PAGE)).text
    for said in ("2 Jul 2026, 08:40 (GMT+7)", "3 times", "send it again from 1 Jul 2026, 17:10 (GMT+7)"):
        assert said in page
    assert f'action="{PAGE}/resend"' not in page
    clock.now = minutes(70)
    page = (await browse().get(PAGE)).text
    assert "send it again from" not in page
    assert f'action="{PAGE}/resend"' in page
    await hear(database, undeliverable(75))
    assert "3 times" not in (await browse().get(PAGE)).text  # what the failed mail has left, only notifier knows
    await hear(database, sent(2), confirmed())
    page = (await browse().get(PAGE)).text
    assert "valid until" not in page and "2 times" not in page


async def test_who_approved_is_not_told_to_partners(browse: Browse, database: Database) -> None:
    await hear(database, approved())
    assert "staff@vng.example" not in (await browse().get(PAGE)).text


async def test_a_registration_with_few_details_yet_has_its_pages(browse: Browse, database: Database) -> None:
    await hear(database, sent(1))
    for path in ("/accounts", PAGE):
        page = await browse().get(path)
        assert page.status_code == 200
        assert "None" not in page.text
        assert "Details follow" in page.text


async def test_pages_are_for_people_of_a_partner(browse: Browse) -> None:
    for path in ("/accounts", "/accounts/add", PAGE):
        assert (await browse(None).get(path)).status_code == 303
        assert (await browse(STAFF).get(path)).status_code == 403


async def test_the_front_door_leads_to_the_accounts(browse: Browse) -> None:
    answer = await browse().get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")


def test_every_status_has_its_word() -> None:
    words = (Path(store.__file__).parent / "templates" / "words.html").read_text()
    assert {status for status in Status if f'"{status}": _(' not in words} == set()
