"""Sending the confirmation mail again and withdrawing, over HTTP on the real application and database."""

import asyncio
import re
from dataclasses import replace

import pytest

from services.portal import asks, store
from services.portal.asks import Asked, Obstacle
from services.portal.facts import Fact
from services.portal.handlers import update_registrations
from shared.database import Database
from shared.events import ConfirmationResendRequested, Event, Locale, Outcome, RegistrationWithdrawn
from shared.stores import history_of
from tests.services.conftest import MovableClock, held_open
from tests.services.portal.conftest import AN, BINH, STAFF, Browse, published, rows
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
RESEND, WITHDRAW = f"{PAGE}/resend", f"{PAGE}/withdraw"
EVENTS: dict[str, type[Event]] = {RESEND: ConfirmationResendRequested, WITHDRAW: RegistrationWithdrawn}

both_languages = pytest.mark.parametrize("locale", Locale)
both_changes = pytest.mark.parametrize("path", EVENTS)


async def hear(database: Database, *facts: Fact) -> None:
    async with database.transaction() as tx:
        await update_registrations(facts, tx)


async def asked(database: Database) -> list[dict[str, object]]:
    return await published(database, *EVENTS.values())


async def test_a_resend_is_told_and_kept_with_who_asked(browse: Browse, database: Database) -> None:
    await hear(database, opened(), sent(1))
    answer = await browse().post(RESEND)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert await asked(database) == [
        {
            "registration_id": str(ID),
            "partner_id": "p-1",
            "requested_by": "an@partner.example",
            "requested_at": "2026-07-01T09:00:00Z",
        }
    ]
    async with database.transaction() as tx:
        line = (await history_of(tx, ID))[-1]
    assert (line.event, line.actor, line.note[:6]) == ("ConfirmationResendRequested", AN.email, "asked ")


async def test_a_withdrawal_is_told_and_kept_with_who_asked_and_why(browse: Browse, database: Database) -> None:
    await hear(database, opened())
    answer = await browse().post(WITHDRAW, data={"reason": " Nhầm khách\r\nhàng "})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert await asked(database) == [
        {
            "registration_id": str(ID),
            "partner_id": "p-1",
            "withdrawn_by": "an@partner.example",
            "reason": "Nhầm khách\nhàng",
            "withdrawn_at": "2026-07-01T09:00:00Z",
        }
    ]
    async with database.transaction() as tx:
        line = (await history_of(tx, ID))[-1]
    assert (line.event, line.actor, line.reason) == ("RegistrationWithdrawn", AN.email, "Nhầm khách\nhàng")


@pytest.mark.parametrize("typed", [{}, {"reason": " \r\n "}])
async def test_a_withdrawal_needs_no_reason(browse: Browse, database: Database, typed: dict[str, str]) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    assert (await browse().post(WITHDRAW, data=typed)).status_code == 303
    assert [one["reason"] for one in await asked(database)] == [None]


@both_languages
@pytest.mark.parametrize(
    ("typed", "english", "vietnamese"),
    [
        ("x" * 1001, "the reason is too long", "lý do quá dài"),
        ("<b>\u0007", "in ordinary characters", "bằng các ký tự thông thường"),
        ("\ufffd", "in ordinary characters", "bằng các ký tự thông thường"),  # what the page before gave back
    ],
)
async def test_a_reason_that_cannot_be_taken_is_kept_in_the_form(
    browse: Browse, database: Database, typed: str, english: str, vietnamese: str, locale: Locale
) -> None:
    await hear(database, opened())
    page = await browse(replace(AN, locale=locale)).post(WITHDRAW, data={"reason": typed})
    assert page.status_code == 422
    assert (vietnamese if locale is Locale.VI else english) in page.text
    given_back = typed.replace("<b>", "&lt;b&gt;").replace("\u0007", "\ufffd")
    assert f">\n{given_back}</textarea>" in page.text
    assert "<details open>" in page.text
    assert await asked(database) == []


@both_changes
async def test_a_double_click_asks_once_and_gets_the_same_answer(browse: Browse, database: Database, path: str) -> None:
    await hear(database, opened(), sent(1))
    browser = browse()
    answers = [await browser.post(path), await browser.post(path)]
    assert [(one.status_code, one.headers["location"]) for one in answers] == [(303, PAGE)] * 2
    assert len(await asked(database)) == 1


@both_changes
async def test_of_two_posts_at_once_one_asks(browse: Browse, database: Database, path: str) -> None:
    await hear(database, opened(), sent(1))
    async with held_open(database) as (tx, until_another_waits):
        it = await store.lock_one(tx, ID, "p-1")
        assert it
        post = asyncio.create_task(browse().post(path))
        await until_another_waits()
        first = (
            asks.resend(it, "binh@partner.example", tx.now)
            if path == RESEND
            else asks.withdraw(it, "binh@partner.example", None, tx.now)
        )
        assert isinstance(first, Asked)
        await store.ask(tx, first)
    assert (await post).status_code == 303
    (told,) = await asked(database)
    assert "binh@partner.example" in told.values()


async def test_after_its_answer_a_resend_can_be_asked_for_again(
    browse: Browse, database: Database, clock: MovableClock
) -> None:
    browser = browse()
    await hear(database, opened(), sent(1))
    clock.now = minutes(15)
    await browser.post(RESEND)
    page = (await browser.get(PAGE)).text
    assert "It is on its way" in page and f'action="{RESEND}"' not in page
    await hear(database, sent(2, next_resend_at=minutes(80)))
    clock.now = minutes(79)
    assert (await browser.post(RESEND)).status_code == 409
    clock.now = minutes(80)
    assert (await browser.post(RESEND)).status_code == 303
    assert len(await asked(database)) == 2


async def test_a_refused_resend_is_said_beside_what_can_be_done(
    browse: Browse, database: Database, clock: MovableClock
) -> None:
    await hear(database, opened(), sent(1), resend_refused(15, "too_soon"))
    clock.now = minutes(16)
    page = (await browse().get(PAGE)).text.split('id="timeline"')[0]
    assert "The email was not sent again: the last one had gone out" in page
    await hear(database, sent(2))
    assert "was not sent again" not in (await browse().get(PAGE)).text.split('id="timeline"')[0]


WAITING = (opened(), sent(1, next_resend_at=minutes(75), resends_left=1))
REFUSALS: list[tuple[Obstacle, str, tuple[Fact, ...], str, str]] = [
    (
        Obstacle.LIMIT,
        RESEND,
        (opened(), sent(1), undeliverable(12), resend_refused(14, "limit")),
        "The confirmation email cannot be sent again",
        "Không thể gửi lại email xác nhận",
    ),
    (
        Obstacle.LIMIT,
        RESEND,
        (opened(), sent(1), resend_refused(14, "limit")),  # the mails between are heard of later
        "The confirmation email cannot be sent again",
        "Không thể gửi lại email xác nhận",
    ),
    (
        Obstacle.LIMIT,
        RESEND,
        (opened(), undeliverable(12), resend_refused(14, "limit")),
        "The confirmation email cannot be sent again",
        "Không thể gửi lại email xác nhận",
    ),
    (Obstacle.NOT_PENDING, RESEND, (resend_refused(),), "The first one goes out by itself", "sẽ tự động được gửi"),
    (
        Obstacle.NOT_PENDING,
        RESEND,
        (opened(), confirmed()),
        "The customer confirmed on 1 Jul 2026, 16:40 (GMT+7)",
        "Khách hàng đã xác nhận lúc 01/07/2026 16:40 (GMT+7)",
    ),
    (
        Obstacle.NOT_PENDING,
        RESEND,
        (approved(),),
        "approved by VNG Cloud's staff on 1 Jul 2026, 16:50 (GMT+7)",
        "nhân viên VNG Cloud phê duyệt lúc 01/07/2026 16:50 (GMT+7)",
    ),
    (
        Obstacle.NOT_PENDING,
        RESEND,
        (closed(Outcome.EXPIRED),),
        "To ask the customer again, register the account again.",
        "Để hỏi lại khách hàng, hãy đăng ký lại tài khoản này.",
    ),
    (
        Obstacle.LIMIT,
        RESEND,
        (opened(), sent(4)),
        "has been sent 4 times and cannot be sent again",
        "đã được gửi 4 lần và không thể gửi lại nữa",
    ),
    (
        Obstacle.TOO_SOON,
        RESEND,
        WAITING,
        "You can send it again from 1 Jul 2026, 17:15 (GMT+7).",
        "Bạn có thể gửi lại từ 01/07/2026 17:15 (GMT+7).",
    ),
    (
        Obstacle.BEING_WITHDRAWN,
        RESEND,
        WAITING,
        "asked to withdraw this registration on 1 Jul 2026, 16:00 (GMT+7), so no email was sent",
        "đã yêu cầu rút lại đăng ký này lúc 01/07/2026 16:00 (GMT+7) nên không gửi email nữa",
    ),
    (
        Obstacle.ALREADY_ENDED,
        WITHDRAW,
        (approved(by="policy:current-customer"),),
        "approved on 1 Jul 2026, 16:50 (GMT+7) without a review",
        "phê duyệt lúc 01/07/2026 16:50 (GMT+7) mà không cần xem xét",
    ),
    (
        Obstacle.ALREADY_ENDED,
        WITHDRAW,
        (approved(),),
        "approved by VNG Cloud's staff on 1 Jul",
        "nhân viên VNG Cloud phê duyệt lúc 01/07",
    ),
    (
        Obstacle.ALREADY_ENDED,
        WITHDRAW,
        (closed(Outcome.REFUSED),),
        "refused by VNG Cloud on 1 Jul",
        "không chấp nhận đăng ký này lúc 01/07",
    ),
    (
        Obstacle.ALREADY_ENDED,
        WITHDRAW,
        (closed(Outcome.DECLINED),),
        "customer declined this registration on 1 Jul",
        "từ chối đăng ký này lúc 01/07",
    ),
    (Obstacle.ALREADY_ENDED, WITHDRAW, (closed(Outcome.EXPIRED),), "expired on 1 Jul", "hết hạn lúc 01/07"),
    (
        Obstacle.ALREADY_ENDED,
        WITHDRAW,
        (closed(Outcome.REJECTED),),
        "rejected by VNG Cloud on 1 Jul",
        "VNG Cloud từ chối lúc 01/07",
    ),
]


def test_every_refusal_is_tried() -> None:
    assert {code for code, *_ in REFUSALS} == {*Obstacle}


@both_languages
@pytest.mark.parametrize(("code", "path", "facts", "english", "vietnamese"), REFUSALS)
async def test_a_refusal_says_what_happened_and_when_and_changes_nothing(
    browse: Browse,
    database: Database,
    code: Obstacle,
    path: str,
    facts: tuple[Fact, ...],
    english: str,
    vietnamese: str,
    locale: Locale,
) -> None:
    browser = browse(replace(AN, locale=locale))
    await hear(database, *facts)
    if code is Obstacle.BEING_WITHDRAWN:
        await browser.post(WITHDRAW)
    before = await rows(database, "select * from registrations"), await asked(database)
    page = await browser.post(path)
    assert page.status_code == 409
    alert = page.text.split('role="alert"')[1].split("</div>")[0]
    said = vietnamese if locale is Locale.VI else english
    assert said in " ".join(alert.split())
    assert " ".join(page.text.split()).count(said) == 1
    assert not re.search(rf"\b{code}\b", re.sub(r"<[^>]*>", "", page.text.split('id="main"')[1]))
    assert (await rows(database, "select * from registrations"), await asked(database)) == before


async def test_what_is_withdrawn_already_answers_like_the_first_time(browse: Browse, database: Database) -> None:
    await hear(database, opened(), closed(Outcome.WITHDRAWN))
    answer = await browse().post(WITHDRAW)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert await asked(database) == []


@both_languages
async def test_while_it_is_being_withdrawn_nothing_else_is_offered(
    browse: Browse, database: Database, locale: Locale
) -> None:
    browser = browse(replace(AN, locale=locale))
    await hear(database, opened(), sent(1), undeliverable(12))
    page = (await browser.get(PAGE)).text
    assert f'action="{RESEND}"' in page and f'action="{WITHDRAW}"' in page
    await browser.post(WITHDRAW)
    words = "Đang rút lại</span>" if locale is Locale.VI else "Withdrawal under way</span>"
    for path in ("/accounts", PAGE):
        page = (await browser.get(path)).text
        assert words in page
        assert f'action="{RESEND}"' not in page and f'action="{WITHDRAW}"' not in page
        assert not re.search("put the mailbox right|khắc phục hộp thư|so no email was|nên không gửi", page)
    await hear(database, closed(Outcome.WITHDRAWN))
    page = (await browser.get(PAGE)).text
    assert words not in page
    assert f'action="{WITHDRAW}"' not in page


async def test_a_withdrawal_that_comes_with_the_approval_says_which_won(browse: Browse, database: Database) -> None:
    await hear(database, opened(), confirmed())
    async with held_open(database) as (tx, until_another_waits):
        await update_registrations([approved()], tx)
        post = asyncio.create_task(browse().post(WITHDRAW))
        await until_another_waits()
    page = await post
    assert page.status_code == 409
    assert "approved by VNG Cloud's staff on 1 Jul 2026, 16:50 (GMT+7)" in page.text
    assert await asked(database) == []


@both_languages
async def test_an_end_that_overtook_a_withdrawal_says_so(browse: Browse, database: Database, locale: Locale) -> None:
    await hear(database, opened(), confirmed())
    browser = browse(replace(AN, locale=locale))
    await browser.post(WITHDRAW)
    await hear(database, approved())
    page = (await browser.get(PAGE)).text
    overtaken, won = {
        Locale.EN: ("but something else was decided first", "approved by VNG Cloud's staff on 1 Jul 2026, 16:50"),
        Locale.VI: ("nhưng trước đó đã có quyết định khác", "nhân viên VNG Cloud phê duyệt lúc 01/07/2026 16:50"),
    }[locale]
    assert overtaken in page and won in page


@both_changes
async def test_another_partner_changes_nothing(browse: Browse, database: Database, path: str) -> None:
    await hear(database, opened(), sent(1))
    before = await rows(database, "select * from registrations")
    assert (await browse(BINH).post(path)).status_code == 404
    assert await rows(database, "select * from registrations") == before
    assert await asked(database) == []


@pytest.mark.parametrize("registration_id", ["11111111-1111-4111-8111-111111111111", "not-an-id", "%00"])
@pytest.mark.parametrize("change", ["resend", "withdraw"])
async def test_an_unknown_or_malformed_id_is_a_404_page(browse: Browse, registration_id: str, change: str) -> None:
    answer = await browse().post(f"/accounts/{registration_id}/{change}")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


@both_changes
async def test_only_signed_in_people_of_a_partner_change_anything_from_our_own_pages(
    browse: Browse, database: Database, path: str
) -> None:
    await hear(database, opened(), sent(1))
    assert (await browse(None).post(path)).status_code == 401
    assert (await browse(STAFF).post(path)).status_code == 403
    assert (await browse(origin="https://evil.example").post(path)).status_code == 403
    assert (await browse().get(path)).status_code == 405
    assert await asked(database) == []
