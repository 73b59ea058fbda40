"""Open pages stay right, whatever comes between."""

import re

from playwright.async_api import Route, expect

from tests.browser.acts import register, row
from tests.browser.machine import Machine, Visitors

AGAIN = 10_000  # milliseconds, as in live.js


async def test_a_renewal_that_was_not_answered_is_asked_for_again(machine: Machine, visitors: Visitors) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, body="")

    email = await machine.account("later")
    lan = await visitors.partner()
    await lan.page.clock.install()
    await register(lan, (email, "Minh Phát"))
    await expect(row(lan.page, email)).to_contain_text("Waiting for the customer's confirmation")
    link = await machine.confirmation_link(email)
    await machine.until(
        "portal", f"select 1 from registrations where customer_email = '{email}' and mail_sent_at is not null"
    )
    await lan.page.route(re.compile(r"/accounts\?batch="), refuse, times=1)
    async with lan.page.expect_response(lambda answer: answer.status == 503):
        await machine.post(f"{link}/confirm")
    await lan.page.clock.fast_forward(AGAIN)
    await expect(row(lan.page, email)).to_contain_text("Waiting for VNG Cloud's approval")
