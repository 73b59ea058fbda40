"""Customers and VNG's staff of integration tests, through real mails and pages. They insist when a service is away."""

import asyncio
from uuid import UUID

import httpx2

from commands.demo.people import Browser, link_in
from embedded.mailbox import Mailbox
from tests.integration.conftest import PATIENCE

REVIEWER = "hoa@vng.example"


async def insist(browser: Browser, path: str, fields: dict[str, str | list[str]], *settled: int) -> int:
    """Posts until the service answers with one of `settled`; a person reloads when a page does not come."""
    async with asyncio.timeout(PATIENCE * 2):
        while True:
            try:
                status = (await browser.post(path, fields)).status_code
                if status in settled:
                    return status
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)


async def confirm(mailbox: Mailbox, email: str) -> str:
    """Waits for the mail, follows its link, selects Confirm. Answers the mail's Message-ID."""
    mail = await asyncio.to_thread(mailbox.wait_for, to=email, timeout=PATIENCE * 2)
    link = httpx2.URL(link_in(mail.text))
    async with Browser(f"{link.scheme}://{link.host}:{link.port}") as browser:
        await insist(browser, f"{link.path}/confirm", {}, 200)
    return mail.message_id


async def approve(browser: Browser, registration_id: UUID) -> int:
    """200 for a decision made, 409 where it had been made before the answer was lost."""
    return await insist(browser, f"/cases/{registration_id}/approve", {}, 200, 409)
