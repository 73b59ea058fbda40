"""What people do on the pages, by the words they read there."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.machine import Machine, Visitor, Visitors


def customer(page: Page, number: int) -> Locator:
    """One row of the form "Add a customer account"."""
    return page.get_by_role("group", name=f"Customer {number}", exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def row(page: Page, email: str) -> Locator:
    """The row of a list that shows an address."""
    return page.get_by_role("row").filter(has_text=email)


async def fill_in(page: Page, customers: list[tuple[str, str]]) -> None:
    for number, (email, name) in enumerate(customers, start=1):
        if number > 1:
            await button(page, "Add a customer").click()
        await customer(page, number).get_by_label("Email address").fill(email)
        await customer(page, number).get_by_label("Common name").fill(name)


async def register(partner: Visitor, *customers: tuple[str, str]) -> None:
    await partner.go("/accounts/add")
    await fill_in(partner.page, list(customers))
    await button(partner.page, "Add").click()
    await expect(partner.page).to_have_url(re.compile(r"/accounts\?batch="))


async def answer(visitors: Visitors, machine: Machine, email: str, choice: str = "Confirm") -> Visitor:
    """The customer follows the link in the mail and selects a button."""
    visitor = await visitors.anybody("notifier", locale="en-US")
    link = await machine.confirmation_link(email)
    await visitor.page.goto(link)
    if (await visitor.page.locator("html").get_attribute("lang")) != "en":
        await button(visitor.page, "English").click()
    await button(visitor.page, choice).click()
    await expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(re.compile("confirmed|declined"))
    return visitor


async def has_case(machine: Machine, email: str) -> str:
    """The id of the case of an account, once approver has one."""
    sql = f"select registration_id from cases where customer_email = '{email}'"
    return str((await machine.until("approver", sql))[0][0])


async def waiting_case(visitors: Visitors, machine: Machine, partner: Visitor, name: str = "khach") -> tuple[str, str]:
    """A customer who has confirmed: the address and the id of the case."""
    email = await machine.account(name)
    await register(partner, (email, "Công ty Minh Phát"))
    link = await machine.confirmation_link(email)
    await machine.post(f"{link}/confirm")
    return email, await has_case(machine, email)


async def stays(page: Page) -> None:
    """Marks the page as it is: a reload would lose the mark."""
    await page.evaluate("() => { window.wasHere = true }")


async def has_stayed(page: Page) -> bool:
    return bool(await page.evaluate("() => window.wasHere === true"))
