"""VNG's staff at work: a day of a reviewer, and two who want the same case."""

import re

from playwright.async_api import expect

from tests.browser.acts import button, has_case, register, row, waiting_case
from tests.browser.machine import Machine, Visitor, Visitors


async def find(staff: Visitor, words: str) -> None:
    await staff.go("/cases")
    await staff.page.get_by_role("searchbox").fill(words)
    await staff.page.get_by_role("searchbox").press("Enter")
    await expect(staff.page).to_have_url(re.compile("q="))


async def open_case(staff: Visitor, email: str) -> None:
    await find(staff, email)
    await staff.page.get_by_role("link", name=email).click()
    await expect(staff.page.get_by_role("heading", level=1)).to_have_text(email)


async def test_a_day_of_a_reviewer(machine: Machine, visitors: Visitors) -> None:
    lan, hoa = await visitors.partner(), await visitors.staff()
    page = hoa.page
    good, _ = await waiting_case(visitors, machine, lan, "good")
    changed, _ = await waiting_case(visitors, machine, lan, "changed")
    incomplete, _ = await waiting_case(visitors, machine, lan, "incomplete")

    # Finds a case by its partner, claims it, sees it among hers, gives it back.
    assert lan.person and lan.person.partner_name
    await find(hoa, lan.person.partner_name)
    await expect(row(page, good)).to_be_visible()
    await page.get_by_role("link", name=good).click()
    await button(page, "Claim").click()
    await expect(page.get_by_role("main")).to_contain_text("You hold this case until")
    await hoa.go("/cases")
    await page.get_by_role("link", name=re.compile("^Mine")).click()
    await expect(row(page, good)).to_contain_text("you")
    await page.get_by_role("link", name=good).click()
    await button(page, "Release the claim").click()
    await expect(button(page, "Claim")).to_be_visible()
    await hoa.go("/cases?show=mine")
    await expect(row(page, good)).to_have_count(0)

    # Approves with a note.
    await open_case(hoa, good)
    await page.get_by_label("Note (optional").fill("Đã gọi điện xác minh.")
    await button(page, "Approve").click()
    await expect(page.get_by_role("main")).to_contain_text("Đã gọi điện xác minh.")
    await expect(page.locator(".status").first).to_have_text("Approved")

    # An account that got credit meanwhile: not without a reason, and with one.
    await machine.account_again(changed, credit_balance=2_500_000)
    await open_case(hoa, changed)
    await expect(page.get_by_role("main")).to_contain_text("2,500,000 VND")
    await button(page, "Approve despite what is not met").click()
    await expect(page.get_by_role("alert")).to_contain_text("Give a reason")
    await page.get_by_label("Reason to approve although").fill("Credit của chương trình dùng thử.")
    await button(page, "Approve despite what is not met").click()
    await expect(page.locator(".status").first).to_have_text("Approved")

    # Rejects with a reason: needed, shown as the partner will read it, and read by the partner.
    await open_case(hoa, incomplete)
    await button(page, "Reject").click()
    await expect(page.get_by_role("main")).to_contain_text("Please give a reason: the partner reads it.")
    await page.get_by_label("Reason for rejecting").fill("Thiếu giấy phép kinh doanh.")
    await expect(page.locator("#preview")).to_contain_text("Thiếu giấy phép kinh doanh.")
    await button(page, "Reject").click()
    await expect(page.locator(".status").first).to_have_text("Rejected")
    await lan.go("/accounts")
    await expect(row(lan.page, incomplete)).to_contain_text("Rejected by VNG Cloud")
    await row(lan.page, incomplete).get_by_role("link").first.click()
    await expect(lan.page.get_by_role("main")).to_contain_text("Thiếu giấy phép kinh doanh.")

    # Whoever looks for it later finds who decided.
    await page.goto(f"{hoa.url}/cases?show=decided&q={good}")
    assert hoa.person
    await expect(row(page, good)).to_contain_text("you")


async def test_several_cases_are_approved_at_once_and_those_that_cannot_be_say_why(
    machine: Machine, visitors: Visitors
) -> None:
    lan, hoa, an = await visitors.partner(), await visitors.staff(), await visitors.staff("an")
    one, _ = await waiting_case(visitors, machine, lan, "one")
    two, _ = await waiting_case(visitors, machine, lan, "two")
    failing, _ = await waiting_case(visitors, machine, lan, "failing")
    theirs, _ = await waiting_case(visitors, machine, lan, "theirs")
    await machine.account_again(failing, active_services=2)
    assert lan.person and lan.person.partner_name
    await find(hoa, lan.person.partner_name)
    for email in (one, two, failing, theirs):
        await hoa.page.get_by_label(f"Select {email}").check()
    await open_case(an, theirs)
    await button(an.page, "Claim").click()
    await expect(an.page.get_by_role("main")).to_contain_text("You hold this case")

    await button(hoa.page, "Approve the selected cases").click()
    main = hoa.page.get_by_role("main")
    await expect(main).to_contain_text("Approved: 2 of 4 cases.")
    await expect(hoa.page.get_by_role("listitem").filter(has_text=theirs)).to_contain_text("claimed by")
    await expect(hoa.page.get_by_role("listitem").filter(has_text=failing)).to_contain_text("does not meet")
    await lan.go("/accounts")
    for email in (one, two):
        await expect(row(lan.page, email).locator(".status")).to_have_text("Approved")
    for email in (failing, theirs):
        await expect(row(lan.page, email).locator(".status")).to_have_text("Waiting for VNG Cloud's approval")


async def test_of_two_reviewers_at_one_case_the_second_is_told_who_was_first(
    machine: Machine, visitors: Visitors
) -> None:
    lan, hoa, binh = await visitors.partner(), await visitors.staff("hoa"), await visitors.staff("binh")
    email, _ = await waiting_case(visitors, machine, lan)
    await open_case(hoa, email)
    await open_case(binh, email)
    await binh.page.get_by_label("Reason for rejecting").fill("Thiếu hồ sơ.")
    await button(hoa.page, "Approve").click()
    await expect(hoa.page.locator(".status").first).to_have_text("Approved")

    # The open page of the second says so by itself, and nothing that was typed is lost.
    assert hoa.person
    await expect(binh.page.get_by_role("main")).to_contain_text(hoa.person.email)
    await expect(binh.page.get_by_label("Reason for rejecting")).to_have_value("Thiếu hồ sơ.")
    async with binh.page.expect_navigation() as navigation:
        await button(binh.page, "Reject").click()
    assert (await navigation.value).status == 409
    await expect(binh.page.get_by_role("alert")).to_contain_text(f"This case was approved by {hoa.person.email}")
    await expect(binh.page.get_by_role("main")).to_contain_text("Thiếu hồ sơ.")


async def test_the_queue_says_by_itself_that_a_case_came(machine: Machine, visitors: Visitors) -> None:
    lan, hoa = await visitors.partner(), await visitors.staff()
    assert lan.person and lan.person.partner_name
    await hoa.go(f"/cases?q={lan.person.partner_name}")
    email = await machine.account("late")
    await register(lan, (email, "Đến sau"))
    await machine.post(f"{await machine.confirmation_link(email)}/confirm")
    await has_case(machine, email)
    await hoa.page.get_by_role("link", name="Show it").click()
    await expect(row(hoa.page, email)).to_be_visible()
