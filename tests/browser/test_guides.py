"""The guides' screens in their order, and the pictures of them. `make pictures` keeps the pictures in docs/; without
its switch nothing is written there. The clock stands still, so the same pages give the same pictures."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from sqlalchemy import text

from services.notifier.domain import MailKind
from shared.events import Locale, Outcome
from shared.web.person import Person
from tests.browser import chromium, pictures
from tests.browser.acts import button, customer, fill_in, row
from tests.browser.gallery import CLOCK_STANDS_AT, Gallery
from tests.browser.states import HOA
from tests.browser.story import DAY, MINUTE, Story, account, partners
from tests.domain.test_mail_rendering import part, read, render

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
SWITCH = "PICTURES"
LARGEST = 80_000  # bytes

LAN = partners("Nguyễn Thị Lan", "Saigon Cloud")
MINH = partners("Trần Văn Minh", "Hanoi Digital")


async def picture(shown: Page | Locator, name: str, **options: Any) -> None:
    if os.environ.get(SWITCH) != "1":
        return
    page = shown if isinstance(shown, Page) else shown.page
    assert page.context.browser
    taken = await shown.screenshot(animations="disabled", caret="hide", **options)
    (GUIDES / "pictures").mkdir(exist_ok=True)
    (GUIDES / "pictures" / name).write_bytes(await pictures.small(page.context.browser, taken))


async def page_of(browser: Browser, rooms: Gallery, room: str, person: Person | None, height: int = 800) -> Page:
    on_phone = person is None
    context = await chromium.new_context(
        browser,
        viewport={"width": 390 if on_phone else 1280, "height": height},
        reduced_motion="reduce",
        color_scheme="light",
    )
    cookies = rooms.cookies(room, person, Locale.EN)
    url = rooms.rooms[room].url
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    return await context.new_page()


def earlier(by: Person, email: str, name: str, days: int) -> Story:
    return Story(by, email, name, at=CLOCK_STANDS_AT - days * DAY - 40 * MINUTE)


async def just_added(rooms: Gallery, email: str, name: str) -> Story:
    """What the portal's form has just stored."""
    async with rooms.rooms["portal"].service.database.engine.connect() as connection:
        found = await connection.execute(
            text("select registration_id from registrations where customer_email = :email"), {"email": email}
        )
        registration_id = found.scalar_one()
    return Story(LAN, email, name, at=CLOCK_STANDS_AT, registration_id=registration_id)


async def test_the_partners_guide_shows_the_screens_in_order(browser: Browser, rooms: Gallery) -> None:
    sonha = earlier(LAN, "dung.pham@sonha.example", "Sơn Hà Thép", 9)
    lotus = earlier(LAN, "ha.vu@lotus.example", "Lotus Media", 6)
    hoasen = earlier(LAN, "binh.tran@hoasen.example", "Hoa Sen Software", 1)
    await rooms.requests(sonha.requested(), lotus.requested(), hoasen.requested())
    await rooms.hears("portal", sonha.opened(), sonha.sent(), sonha.confirmed(), sonha.approved(after=DAY))
    await rooms.hears("portal", lotus.opened(), lotus.sent())
    await rooms.hears("portal", lotus.closed(Outcome.DECLINED, "Chúng tôi chưa có nhu cầu.", after=DAY))
    await rooms.hears("portal", hoasen.opened(), hoasen.sent(), hoasen.confirmed())
    page = await page_of(browser, rooms, "portal", LAN, height=640)

    await page.goto(f"{rooms.rooms['portal'].url}/")
    await page.get_by_role("link", name="Account", exact=True).click()
    await expect(row(page, "sonha")).to_contain_text("Approved")
    await picture(page, "partner-1-account.png")

    await page.get_by_text("Add a customer account", exact=True).click()
    good, bad = ("an.nguyen@minhphat.example", "Minh Phát"), ("phuc.ngo@cantho.example", "Cần Thơ Rice")
    await fill_in(page, [good, bad])
    await expect(customer(page, 2).get_by_label("Your role")).to_have_value("Partner")
    await picture(page, "partner-2-form.png")

    await button(page, "Add").click()
    await expect(page.get_by_role("main")).to_contain_text("2 customers were added")
    minhphat, cantho = await just_added(rooms, *good), await just_added(rooms, *bad)
    await rooms.hears("portal", minhphat.opened(), cantho.closed(Outcome.REFUSED, "conditions_not_met", after=MINUTE))
    await expect(row(page, bad[0])).to_contain_text("Refused")
    await expect(row(page, good[0])).to_contain_text("Waiting for the customer's confirmation")
    await picture(page, "partner-3-added.png")

    await rooms.hears("portal", minhphat.sent(), minhphat.confirmed(), minhphat.approved())
    await page.goto(f"{rooms.rooms['portal'].url}/accounts/{minhphat.registration_id}")
    await expect(page.get_by_role("main")).to_contain_text("Approved")
    await picture(page, "partner-4-approved.png")

    await page.goto(f"{rooms.rooms['portal'].url}/accounts/{lotus.registration_id}")
    await expect(button(page, "Register again")).to_be_visible()
    await picture(page, "partner-5-declined.png")
    await page.context.close()


async def test_the_customers_guide_shows_the_screens_in_order(browser: Browser, rooms: Gallery) -> None:
    page = await page_of(browser, rooms, "notifier", None, height=640)
    it = earlier(LAN, "john@minhphat.example", "Minh Phát US", 1)
    it.locale = Locale.EN
    names = {"partner_name": it.partner_name, "customer_email": it.customer_email}
    mail = render(MailKind.CONFIRMATION, locale=Locale.EN, **names)
    await page.set_content(part(read(mail), "html"))
    await expect(page.get_by_role("main").or_(page.locator("body"))).to_contain_text("Saigon Cloud")
    await picture(page, "customer-1-mail.png", full_page=True)

    await rooms.hears("notifier", it.opened())
    await page.goto(rooms.links.link(it.registration_id))
    await expect(button(page, "Confirm")).to_be_visible()
    await picture(page, "customer-2-question.png", full_page=True)

    await button(page, "Confirm").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("you have confirmed")
    await picture(page, "customer-3-confirmed.png", full_page=True)

    await page.goto(rooms.links.link(it.registration_id)[:-6])
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await picture(page, "customer-4-unknown-link.png", full_page=True)
    await page.context.close()


async def test_the_staffs_guide_shows_the_screens_in_order(browser: Browser, rooms: Gallery) -> None:
    late = earlier(MINH, "quang.ho@haiphong.example", "Hải Phòng Port", 6)
    changed = earlier(LAN, "tam.vo@cantho.example", "Cần Thơ Rice", 3)
    good = earlier(LAN, "uyen.ta@hue.example", "Huế Heritage", 2)
    new = earlier(MINH, "yen.dinh@bienhoa.example", "Biên Hòa Motors", 1)
    for it in (late, changed, good, new):
        await rooms.hears("approver", account(it.customer_email), it.confirmed())
    await rooms.hears("approver", account(changed.customer_email, version=2, credit_balance=1_200_000))
    page = await page_of(browser, rooms, "approver", HOA, height=860)

    await page.goto(f"{rooms.rooms['approver'].url}/cases")
    await expect(row(page, changed.customer_email)).to_contain_text("Conditions not met")
    await picture(page, "staff-1-queue.png")

    await page.get_by_role("link", name=changed.customer_email).click()
    await expect(page.get_by_role("main")).to_contain_text("1,200,000 VND")
    await picture(page, "staff-2-case.png")

    reason = "The account has a credit balance. Please register it again once it is used up."
    await page.get_by_label("Reason for rejecting").fill(reason)
    await expect(page.locator("#preview")).to_contain_text(reason)
    await picture(page.locator("#decide"), "staff-3-decision.png")

    await page.goto(f"{rooms.rooms['approver'].url}/cases")
    for it in (changed, good, new):
        await page.get_by_label(f"Select {it.customer_email}").check()
    await button(page, "Approve the selected cases").click()
    await expect(page.get_by_role("main")).to_contain_text("Approved: 2 of 3 cases.")
    await picture(page, "staff-4-several.png")
    await page.context.close()


def test_every_picture_of_the_guides_is_there_and_is_taken_by_a_test() -> None:
    taken = set(re.findall(r'"([a-z]+-\d-[a-z-]+\.png)"', Path(__file__).read_text(encoding="utf-8")))
    guides = "\n".join(guide.read_text(encoding="utf-8") for guide in GUIDES.glob("*.md"))
    assert set(re.findall(r"\]\(pictures/([^)]+)\)", guides)) == taken
    kept = {picture.name: picture.stat().st_size for picture in (GUIDES / "pictures").iterdir()}
    assert set(kept) == taken
    assert max(kept.values()) < LARGEST, kept


@pytest.mark.parametrize("reader", ["partner", "customer", "staff"])
def test_there_is_a_guide_for_each_reader(reader: str) -> None:
    guide = (GUIDES / f"{reader}.md").read_text(encoding="utf-8")
    assert len(re.findall(r"!\[[^\]]{20,}\]\(pictures/", guide)) >= 4, "each picture is described for who cannot see it"
