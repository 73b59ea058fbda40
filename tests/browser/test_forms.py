"""Forms of people who click twice, reload, come back late, or are lured here by another site."""

import re

from playwright.async_api import expect

from tests.browser.acts import button, customer, fill_in, register, row
from tests.browser.machine import Machine, Visitors


async def test_a_double_click_and_a_reload_register_once(machine: Machine, visitors: Visitors) -> None:
    email = await machine.account("twice")
    lan = await visitors.partner()
    await lan.go("/accounts/add")
    await fill_in(lan.page, [(email, "Minh Phát")])
    await button(lan.page, "Add").dblclick()
    await expect(lan.page).to_have_url(re.compile(r"/accounts\?batch="))
    await lan.page.reload()
    await expect(row(lan.page, email)).to_have_count(1)
    sql = f"select count(*) from registrations where customer_email = '{email}'"
    assert (await machine.rows("portal", sql))[0][0] == 1


async def test_good_rows_are_added_and_bad_ones_stay_with_what_was_typed(machine: Machine, visitors: Visitors) -> None:
    email = await machine.account("good")
    lan = await visitors.partner()
    page = lan.page
    await lan.go("/accounts/add")
    await fill_in(page, [(email, "Tốt"), ("not an address", "Sai"), ("c@minhphat.example", "")])
    await button(page, "Add").click()
    await expect(page.get_by_role("region", name="Added to the system")).to_contain_text(email)
    await expect(customer(page, 1).get_by_label("Email address")).to_have_value("not an address")
    problem = customer(page, 1).get_by_label("Email address")
    await expect(problem).to_have_accessible_description(re.compile("This is not an email address"))
    await expect(customer(page, 2).get_by_label("Common name")).to_have_accessible_description("Enter a common name.")
    await button(page, "Remove customer 2").click()
    await customer(page, 1).get_by_label("Email address").fill(await machine.account("mended"))
    await button(page, "Add").click()
    await expect(page).to_have_url(re.compile(r"/accounts\?batch="))
    await expect(page.get_by_role("row")).to_have_count(3)


async def test_a_list_pasted_into_a_field_fills_in_the_rows(visitors: Visitors) -> None:
    lan = await visitors.partner()
    await lan.go("/accounts/add")
    cells = "Công ty A\ta@minhphat.example\nCông ty B\tb@minhphat.example"
    await customer(lan.page, 1).get_by_label("Email address").focus()
    await lan.page.evaluate(
        """text => {
          const data = new DataTransfer(); data.setData("text/plain", text);
          document.activeElement.dispatchEvent(
            new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        cells,
    )
    await expect(customer(lan.page, 2).get_by_label("Email address")).to_have_value("b@minhphat.example")
    await expect(customer(lan.page, 1).get_by_label("Common name")).to_have_value("Công ty A")


async def test_an_ended_session_loses_nothing_that_was_typed(machine: Machine, visitors: Visitors) -> None:
    email = await machine.account("late")
    lan = await visitors.partner()
    assert lan.person
    await lan.go("/accounts/add")
    await fill_in(lan.page, [(email, "Công ty Đến Muộn")])
    await lan.page.context.clear_cookies()
    async with lan.page.expect_navigation() as navigation:
        await button(lan.page, "Add").click()
    assert (await navigation.value).status == 401
    async with lan.page.context.expect_page() as opening:
        await lan.page.get_by_role("link", name="Sign in again").click()
    tab = await opening.value
    await tab.locator("input[name=sub]").fill(lan.person.email)
    await tab.locator("input[name=sub]").press("Enter")
    await expect(tab.get_by_role("heading", level=1)).to_have_text("You are signed in")
    await tab.close()
    await button(lan.page, "Send again").click()
    await expect(lan.page).to_have_url(re.compile(r"/accounts\?batch="))
    await expect(row(lan.page, email)).to_contain_text("Công ty Đến Muộn")


async def test_another_site_cannot_send_a_form_in_a_persons_name(machine: Machine, visitors: Visitors) -> None:
    lan = await visitors.partner()
    portal = machine.urls["portal"]
    # The notifier's address is another origin; its pages forbid such forms, so this one is of no page.
    await lan.page.route("http://evil.example/", lambda route: route.fulfill(
        content_type="text/html",
        body=f'<form method="post" action="{portal}/accounts"><input name="customer_email" value="a@b.example">'
        '<input name="common_name" value="X"><button>Win</button></form>',
    ))  # fmt: skip
    visitors.allow("http://evil.example")
    await lan.page.goto("http://evil.example/")
    async with lan.page.expect_navigation() as navigation:
        await lan.page.get_by_role("button").click()
    assert (await navigation.value).status == 403
    await lan.go("/accounts")
    await expect(lan.page.get_by_role("table")).to_have_count(0)


async def test_signing_in_leads_back_and_signing_out_ends_the_session(visitors: Visitors) -> None:
    lan = await visitors.partner()
    assert lan.person
    await lan.page.context.clear_cookies()
    await lan.go("/accounts/add")
    await lan.page.locator("input[name=sub]").fill(lan.person.email)
    await lan.page.locator("input[name=sub]").press("Enter")
    await expect(lan.page.get_by_role("heading", level=1)).to_have_text("Add a customer account")
    await expect(lan.page.get_by_role("banner")).to_contain_text(lan.person.name)
    await button(lan.page, "Sign out").click()
    await expect(lan.page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    await lan.go("/accounts")
    await expect(lan.page.locator("input[name=sub]")).to_be_visible()


async def test_the_chosen_language_is_kept(visitors: Visitors) -> None:
    lan = await visitors.partner()
    await lan.go("/accounts")
    await button(lan.page, "Tiếng Việt").click()
    await expect(lan.page.get_by_role("heading", level=1)).to_have_text("Tài khoản")
    await lan.go("/accounts/add")
    await expect(lan.page.locator("html")).to_have_attribute("lang", "vi")


async def test_names_are_text_wherever_they_are_shown(machine: Machine, visitors: Visitors) -> None:
    names = [
        "<img src=x onerror=alert(1)>",
        '=HYPERLINK("http://x")',
        "שלום \u202egnirts",
        "🍜 Phở",
        "Раураl",
        "W" * 200,
    ]
    lan = await visitors.partner()
    emails = [await machine.account("odd") for _name in names]
    await register(lan, *zip(emails, names, strict=True))
    await lan.go("/accounts")
    for email, name in zip(emails, names, strict=True):
        await expect(row(lan.page, email).get_by_role("link")).to_have_text(name)


async def test_another_language_keeps_what_was_typed_and_the_enter_key_still_adds_a_row(visitors: Visitors) -> None:
    lan = await visitors.partner()
    page = lan.page
    await lan.go("/accounts/add")
    await fill_in(page, [("a@minhphat.example", "Công ty A")])
    await button(page, "Tiếng Việt").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thêm tài khoản khách hàng")
    fields = page.get_by_label("Địa chỉ email")
    await expect(fields).to_have_value("a@minhphat.example")
    await fields.press("Enter")
    await expect(fields).to_have_count(2)
    await expect(fields.last).to_be_focused()
    await expect(fields.first).to_have_value("a@minhphat.example")
    await expect(page.locator("html")).to_have_attribute("lang", "vi")
