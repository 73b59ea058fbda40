"""The document's steps, word by word, from the menu to "Approved"; and its note: whom nobody can register."""

import re
from typing import Any

from playwright.async_api import expect

from shared.events import Billing, Locale
from tests.browser.acts import answer, button, customer, has_stayed, register, row, stays
from tests.browser.machine import Machine, Visitors


async def test_a_partner_follows_the_steps_word_by_word_until_the_open_page_says_approved(
    machine: Machine, visitors: Visitors
) -> None:
    lan = await visitors.partner()
    assert lan.person and lan.person.partner_name
    partner = lan.person.partner_name
    minh = await visitors.partner("Trần Văn Minh", partner, Locale.VI)
    vietnamese, english = await machine.account("an"), await machine.account("john", locale=Locale.EN)
    page = lan.page

    # Step 1: select the menu "Account".
    await lan.go("/")
    await page.get_by_role("navigation").get_by_role("link", name="Account", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Account")

    # Step 2: "Add a customer account", three fields, "Add a customer" for the next one, "Add".
    await page.get_by_text("Add a customer account", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Add a customer account")
    first, second = customer(page, 1), customer(page, 2)
    await first.get_by_label("Email address").fill(vietnamese)
    await first.get_by_label("Common name").fill("Công ty Minh Phát")
    await expect(first.get_by_label("Your role")).to_have_value("Partner")
    await button(page, "Add a customer").click()
    await second.get_by_label("Email address").fill(english)
    await second.get_by_label("Common name").fill("Minh Phat US")
    await expect(second.get_by_label("Your role")).to_have_value("Partner")
    await expect(first.get_by_label("Email address")).to_have_value(vietnamese)
    await button(page, "Add").click()

    # A requirement is sent to the customer's email address, in the account's language.
    await expect(page.get_by_role("main")).to_contain_text("2 customers were added")
    await expect(row(page, english)).to_contain_text("Waiting for the customer's confirmation")
    await minh.go("/accounts")
    await stays(page)
    await stays(minh.page)
    assert f"{partner} đề nghị quản lý tài khoản VNG Cloud của bạn" in (await machine.mail(vietnamese)).subject
    assert partner in (await machine.mail(english)).subject

    # The customers confirm: one reads Vietnamese, the other English.
    an = await visitors.anybody("notifier", locale="fr-FR")
    await an.page.goto(await machine.confirmation_link(vietnamese))
    await expect(an.page.get_by_role("main")).to_contain_text(partner)
    await expect(an.page.get_by_role("main")).not_to_contain_text("Công ty Minh Phát")
    await button(an.page, "Xác nhận").click()
    await expect(an.page.get_by_role("heading", level=1)).to_contain_text("Cảm ơn")
    await answer(visitors, machine, english)
    await expect(row(page, vietnamese)).to_contain_text("Waiting for VNG Cloud's approval")

    # VNG Cloud approves.
    hoa = await visitors.staff()
    for email in (vietnamese, english):
        await hoa.go("/cases")
        await hoa.page.get_by_role("searchbox").fill(email)
        await hoa.page.get_by_role("searchbox").press("Enter")
        await hoa.page.get_by_role("link", name=email).click()
        await button(hoa.page, "Approve").click()
        await expect(hoa.page.get_by_role("main")).to_contain_text("Approved")

    # The status becomes "Approved" on the pages that were open all the time.
    for email in (vietnamese, english):
        await expect(row(page, email).locator(".status")).to_have_text("Approved")
        await expect(row(minh.page, email).locator(".status")).to_have_text("Đã xác nhận")
    assert await has_stayed(page) and await has_stayed(minh.page)


CONDITIONS: dict[str, dict[str, Any]] = {
    "credit": {"credit_balance": 250_000},
    "services": {"active_services": 3},
    "discounts": {"active_discounts": 1},
    "poc": {"in_poc": True},
    "postpaid": {"billing": Billing.POSTPAID},
}


async def test_an_account_that_breaks_one_of_the_five_conditions_or_is_not_registered_is_refused(
    machine: Machine, visitors: Visitors
) -> None:
    broken = {name: await machine.account(name, **facts) for name, facts in CONDITIONS.items()}
    good, unknown = await machine.account("good"), "nobody.yet@minhphat.example"
    lan = await visitors.partner()
    await register(lan, *((email, name) for name, email in broken.items()), (unknown, "Not there"), (good, "Good"))
    for email in broken.values():
        await expect(row(lan.page, email)).to_contain_text("Refused")
        await expect(row(lan.page, email)).to_contain_text("The account does not meet the conditions.")
    await expect(row(lan.page, unknown)).to_contain_text("is not an account registered with VNG Cloud")
    await expect(row(lan.page, good)).to_contain_text("Waiting for the customer's confirmation")
    # What exactly the account does not meet is not the partner's to read.
    await expect(lan.page.get_by_role("main")).not_to_contain_text(re.compile("250.000"))
    assert not [mail for email in broken.values() for mail in machine.mailbox.messages(to=email)]


async def test_a_customer_that_vng_has_already_is_approved_without_being_forwarded(
    machine: Machine, visitors: Visitors
) -> None:
    email = await machine.account("giang", vng_customer=True)
    lan = await visitors.partner()
    await register(lan, (email, "Bách Việt"))
    await answer(visitors, machine, email)
    await expect(row(lan.page, email).locator(".status")).to_have_text("Approved")
    await lan.page.get_by_role("link", name="Bách Việt").click()
    await expect(lan.page.get_by_role("main")).to_contain_text("without a review")
    hoa = await visitors.staff()
    await hoa.go(f"/cases?q={email}")
    await expect(hoa.page.get_by_role("link", name=email)).to_have_count(0)
