"""The same for people without JavaScript, with a phone, or with nothing but a keyboard."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser import chromium, looks
from tests.browser.acts import button, customer, register, row, waiting_case
from tests.browser.machine import Machine, Visitors


async def test_the_whole_way_to_approved_works_without_javascript(machine: Machine, visitors: Visitors) -> None:
    plain: dict[str, Any] = {"java_script_enabled": False}
    email, other = await machine.account("plain"), await machine.account("plain")
    lan, hoa = await visitors.partner(**plain), await visitors.staff(**plain)
    page = lan.page
    await lan.go("/accounts")
    await page.get_by_text("Add a customer account", exact=True).click()
    await customer(page, 1).get_by_label("Email address").fill(email)
    await customer(page, 1).get_by_label("Common name").fill("Không kịch bản")
    await button(page, "Add a customer").click()
    await button(page, "Add a customer").click()
    await customer(page, 2).get_by_label("Email address").fill(other)
    await customer(page, 2).get_by_label("Common name").fill("Khác")
    await button(page, "Remove customer 3").click()
    await button(page, "Add").click()
    await expect(page.get_by_role("main")).to_contain_text("2 customers were added")
    an = await visitors.anybody("notifier", **plain)
    await an.page.goto(await machine.confirmation_link(email))
    await button(an.page, "Xác nhận").click()
    await expect(an.page.get_by_role("heading", level=1)).to_contain_text("Cảm ơn")
    await machine.until("approver", f"select 1 from cases where customer_email = '{email}'")
    await hoa.go("/cases")
    await hoa.page.get_by_role("searchbox").fill(email)
    await button(hoa.page, "Search").click()
    await hoa.page.get_by_role("link", name=email).click()
    await hoa.page.get_by_label("Note (optional").fill("Tốt")
    await button(hoa.page, "Approve").click()
    await expect(hoa.page.locator(".status").first).to_have_text("Approved")
    approved = f"select 1 from registrations where customer_email = '{email}' and status = 'approved'"
    await machine.until("portal", approved)
    await lan.go("/accounts")
    await expect(row(page, email).locator(".status")).to_have_text("Approved")


async def tab_to(page: Page, name: str, role: str = "button", most: int = 60) -> None:
    """Presses Tab until what has the focus has this name; its focus can be seen."""
    wanted = page.get_by_role(role, name=re.compile(f"^{name}"))  # type: ignore[arg-type]  # one of many words
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await wanted.count() and await wanted.first.evaluate("it => it === document.activeElement"):
            style = (
                "it => { const s = getComputedStyle(it); return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"
            )
            assert await wanted.first.evaluate(style), f"the focus on {name} cannot be seen"
            return
    pytest.fail(f"no {role} {name!r} is reached by Tab")


async def test_a_customer_is_added_and_approved_with_the_keyboard_alone(machine: Machine, visitors: Visitors) -> None:
    email = await machine.account("keys")
    lan, hoa = await visitors.partner(), await visitors.staff()
    page = lan.page
    await lan.go("/accounts")
    await tab_to(page, "Add a customer account")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Add a customer account")
    await tab_to(page, "Email address", "textbox")
    await page.keyboard.type(email)
    await page.keyboard.press("Tab")
    await page.keyboard.type("Chỉ bàn phím")
    await tab_to(page, "Add a customer")
    await page.keyboard.press("Enter")
    await expect(customer(page, 2).get_by_label("Email address")).to_be_focused()
    await tab_to(page, "Remove customer 2")
    await page.keyboard.press("Enter")
    await expect(customer(page, 2)).to_have_count(0)
    await tab_to(page, "Add$")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/accounts\?batch="))

    await machine.post(f"{await machine.confirmation_link(email)}/confirm")
    await machine.until("approver", f"select 1 from cases where customer_email = '{email}'")
    await hoa.go("/cases")
    await tab_to(hoa.page, "Search by account", "searchbox")
    await hoa.page.keyboard.type(email)
    await hoa.page.keyboard.press("Enter")
    await expect(row(hoa.page, email)).to_be_visible()
    await expect(row(hoa.page, "minhphat")).to_have_count(1)
    await hoa.page.get_by_role("region", name="Open cases").focus()
    await hoa.page.keyboard.press("ArrowDown")
    await hoa.page.keyboard.press("Space")
    await expect(hoa.page.get_by_label(f"Select {email}")).to_be_checked()
    await hoa.page.keyboard.press("Enter")
    await expect(hoa.page.get_by_role("heading", level=1)).to_have_text(email)
    await tab_to(hoa.page, "Approve")
    await hoa.page.keyboard.press("Enter")
    await expect(hoa.page.locator(".status").first).to_have_text("Approved")


async def test_letters_typed_into_the_search_are_no_commands(machine: Machine, visitors: Visitors) -> None:
    lan, hoa = await visitors.partner(), await visitors.staff()
    email, _ = await waiting_case(visitors, machine, lan)
    await hoa.go(f"/cases?q={email}")
    await hoa.page.get_by_role("searchbox").focus()
    await hoa.page.keyboard.press("End")
    await hoa.page.keyboard.type("jxk")
    await expect(hoa.page.get_by_label(f"Select {email}")).not_to_be_checked()
    await expect(hoa.page.get_by_role("searchbox")).to_have_value(f"{email}jxk")


async def test_a_phone_is_enough_to_add_a_customer(machine: Machine, visitors: Visitors) -> None:
    email = await machine.account("phone")
    lan = await visitors.partner(viewport=chromium.PHONE, has_touch=True)
    await register(lan, (email, "Điện thoại"))
    await expect(row(lan.page, email)).to_contain_text("Waiting for the customer's confirmation")
    assert not await looks.too_wide(lan.page)
