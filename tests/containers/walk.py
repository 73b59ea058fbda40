"""The three numbered steps of docs/how-to/deploy.md, each in the browser of who takes it."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import httpx2

from commands.demo.people import Browser, heading, link_in
from commands.failures import Failed
from tests.containers.page import APPROVER, CUSTOMER, MAIL, PARTNER, PORTAL, REVIEWER

PATIENCE = 30.0  # seconds
resolve = socket.getaddrinfo


def customer_is_approved() -> str:
    """The registration's path in the portal, which shows "Approved". Raises Failed."""
    return asyncio.run(_as_in_browsers(lambda: walk(PORTAL, APPROVER, CUSTOMER, _link)))


def still_approved(path: str) -> None:
    """Raises Failed."""

    async def look() -> str:
        async with Browser(PORTAL) as partner:
            await partner.sign_in("/accounts", PARTNER)
            return await _approved(partner, path)

    asyncio.run(_as_in_browsers(look))


async def walk(portal: str, approver: str, customer: str, mailed: Callable[[], Awaitable[str]]) -> str:
    """The same at any address; `mailed` is the link in the mail to the customer, nothing while there is none."""
    async with Browser(portal) as partner, Browser(approver) as reviewer:
        await partner.sign_in("/accounts", PARTNER)
        row: dict[str, str | list[str]] = {"customer_email": [customer], "common_name": ["An"], "role": ["Partner"]}
        await partner.post("/accounts", row)
        link = urlsplit(await _until(mailed, f"there is a mail to {customer}"))
        async with Browser(f"{link.scheme}://{link.netloc}") as reader:
            await reader.get(link.path)
            answer = await reader.post(f"{link.path}/confirm", {})
            if answer.status_code != 200:
                raise Failed(f"{customer} could not confirm: {answer.status_code}, {heading(answer)!r}")
        await reviewer.sign_in("/", REVIEWER)

        async def case() -> str:
            found = re.search(r"/cases/[0-9a-f-]{36}", (await reviewer.get("/")).text)
            return found[0] if found else ""

        path = await _until(case, f"{REVIEWER} sees a case")
        await reviewer.post(f"{path}/approve", {})
        return await _approved(partner, path.replace("/cases/", "/accounts/"))


async def _link() -> str:
    async with httpx2.AsyncClient(base_url=MAIL) as client:
        found = (await client.get("/api/v1/search", params={"query": f"to:{CUSTOMER}"})).json()["messages"]
        return link_in((await client.get(f"/api/v1/message/{found[0]['ID']}")).json()["Text"]) if found else ""


async def _approved(partner: Browser, path: str) -> str:
    async def shown() -> str:
        page = await partner.get(path)
        return path if re.search(r'class="status[^"]*">Approved<', page.text) else ""

    return await _until(shown, f'{partner.url}{path} shows "Approved"')


async def _until(look: Callable[[], Awaitable[str]], what: str) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := await look()):  # noqa: ASYNC110  # nothing here tells it
                await asyncio.sleep(0.2)
            return found
    except TimeoutError:
        raise Failed(f"waited {PATIENCE:g} s in vain until {what}") from None


async def _as_in_browsers(act: Callable[[], Awaitable[str]]) -> str:
    """Browsers take *.localhost for this machine; a resolver need not."""

    def resolved(host: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return resolve("127.0.0.1" if name and name.endswith("localhost") else host, *more, **named)

    with mock.patch.object(socket, "getaddrinfo", resolved):
        return await act()
