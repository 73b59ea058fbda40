"""Before a case is rejected its reviewer reads what the partner will read, and nothing that was typed is ever lost."""

import html
import re
from email import message_from_bytes
from email.policy import SMTPUTF8

import httpx2
import pytest

from services.notifier.domain import Mail, MailKind
from services.notifier.mails import Matter
from shared.events import Locale
from shared.service import Service
from tests.domain.facts import ONE, account_updated, confirmed
from tests.domain.test_mail_rendering import RENDERER, confirmation
from tests.services.approver.staff import ADMIN, BINH, CASE, HOA, Browse, hears, reading, words
from tests.services.conftest import rows, told

REASON = "Thiếu giấy phép <kinh doanh>.\nXin bổ sung."
TYPED = {"note": "Đã gọi", "override_reason": "Ngoại lệ", "reason": REASON}


def previewed(page: httpx2.Response) -> httpx2.Response:
    found = re.search(r'<div id="preview">(.*?)</div>\s*<small>', page.text, re.DOTALL)
    return httpx2.Response(200, text=found[1] if found else "")


def kept(page: httpx2.Response) -> dict[str, str]:
    fields = re.findall(r'<textarea id="(\w+)".*?>\n(.*?)</textarea>', page.text, re.DOTALL)
    return {name: html.unescape(text) for name, text in fields}


def mail_about(case: dict[str, str], reason: str, locale: Locale) -> str:
    """What the partner reads in the mail."""
    it = confirmation(**case, requester_locale=locale, outcome="rejected", reasons=(reason,))
    content = RENDERER.render(Mail(ONE, MailKind.PARTNER_CLOSED), Matter(it), "lan@x.vn", it.asked_at)
    body = message_from_bytes(content, policy=SMTPUTF8).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("locale", list(Locale))
async def test_the_preview_says_what_the_mail_to_the_partner_says(
    approver: Service, browse: Browse, locale: Locale
) -> None:
    await hears(approver, account_updated(), confirmed())
    page = await browse(reading(HOA, locale)).post(f"{CASE}/preview", data={"reason": REASON})
    assert page.status_code == 200
    preview = previewed(page)
    assert f"“{html.escape(REASON)}”" in preview.text  # line by line
    mail = mail_about({"common_name": "Khách quen", "customer_email": "khách@example.vn"}, REASON, locale)
    sentence, intro = mail.split("\n\n")[1:3]
    assert f"{sentence} {intro} “" in words(preview)


async def test_a_preview_changes_nothing_and_keeps_all_that_was_typed(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(in_poc=True), confirmed())
    before = (
        await rows(approver.database, "select * from cases"),
        await rows(approver.database, "select * from history"),
    )
    page = await browse(HOA).post(f"{CASE}/preview", data=TYPED)
    assert kept(page) == TYPED
    assert before == (
        await rows(approver.database, "select * from cases"),
        await rows(approver.database, "select * from history"),
    )
    assert await told(approver.database) == []


async def test_without_a_reason_there_is_nothing_to_preview(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(), confirmed())
    for page in (await browse(HOA).get(CASE), await browse(HOA).post(f"{CASE}/preview", data={"reason": " "})):
        assert page.status_code == 200
        assert previewed(page).text == "" and "It appears here once you have written a reason." in words(page)


async def test_a_reason_that_cannot_be_taken_is_not_previewed_but_asked_for_again(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    for reason, problem in (("x" * 1001, "1000 characters or fewer"), ("a\x07b", "use plain text")):
        page = await browse(HOA).post(f"{CASE}/preview", data={"reason": reason})
        assert page.status_code == 422 and problem in words(page)
        assert previewed(page).text == ""
        assert kept(page)["reason"] == reason.replace("\x07", "\ufffd")


@pytest.mark.parametrize(
    ("action", "fields"),
    [("approve", {"override_reason": ""}), ("reject", {"reason": ""}), ("claim", {}), ("release", {})],
)
async def test_whatever_is_asked_for_the_other_fields_stay_typed(
    approver: Service, browse: Browse, action: str, fields: dict[str, str]
) -> None:
    await hears(approver, account_updated(in_poc=True), confirmed())
    if action == "release":
        await browse(HOA).post(f"{CASE}/claim")
    page = await browse(HOA).post(f"{CASE}/{action}", data=TYPED | fields)
    assert page.status_code == (200 if action in ("claim", "release") else 422)
    assert kept(page) == TYPED | fields


@pytest.mark.parametrize("action", ["approve", "reject", "claim", "release", "preview"])
@pytest.mark.parametrize("meanwhile", ["claim", "approve"])
async def test_what_can_no_longer_be_sent_is_shown_beside_who_was_first(
    approver: Service, browse: Browse, meanwhile: str, action: str
) -> None:
    await hears(approver, account_updated(), confirmed())
    await browse(ADMIN).post(f"{CASE}/{meanwhile}")
    page = await browse(BINH).post(f"{CASE}/{action}", data=TYPED)
    assert page.status_code == (200 if action == "preview" else 409)
    assert "an@vng.example" in words(page)
    assert kept(page) == {}
    left = page.text.partition("What you had typed")[2]
    assert all(html.escape(text) in left for text in TYPED.values())


@pytest.mark.parametrize("action", ["claim", "release", "approve", "reject", "preview"])
async def test_the_page_after_an_action_can_be_reloaded_as_a_page(
    approver: Service, browse: Browse, action: str
) -> None:
    await hears(approver, account_updated(), confirmed())
    again = await browse(HOA).get(f"{CASE}/{action}")
    assert (again.status_code, again.headers["location"]) == (303, CASE)
    assert await told(approver.database) == []


async def test_a_decided_case_shows_what_was_said_of_the_decision(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(), confirmed())
    await browse(HOA).post(f"{CASE}/reject", data={"reason": REASON})
    assert f'<p class="reason" dir="auto">{html.escape(REASON)}</p>' in (await browse(BINH).get(CASE)).text
