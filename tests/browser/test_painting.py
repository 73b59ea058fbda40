"""A page that comes slowly is painted once, whole: what is there first does not move for what comes later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import Browser

from shared.events import Locale
from tests.browser import chromium
from tests.browser.gallery import Gallery
from tests.browser.states import STATES

PIECES = 8
PAUSE = 0.1  # seconds between pieces: the line is slow, nothing waits for it
PAINTED = """() => new Promise(done => new PerformanceObserver(list => {
  const [first] = list.getEntriesByName("first-paint");
  if (first) done([first.startTime, performance.getEntriesByType("navigation")[0].domInteractive]);
}).observe({type: "paint", buffered: true}))"""
"""When it was first painted, and when it had been read: Playwright's own way to wait asks again by `eval`, which our
pages forbid."""


@asynccontextmanager
async def slow_line(url: str) -> AsyncIterator[str]:
    """Another address of a service, where each page comes in pieces, and everything else at once."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).replace(b"keep-alive", b"close")
        there, back = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        back.write(asked)
        head = await there.readuntil(b"\r\n\r\n")
        body = await there.read()
        writer.write(head)
        size = len(body) // PIECES + 1 if b"text/html" in head else max(len(body), 1)
        for start in range(0, len(body), size):
            writer.write(body[start : start + size])
            await asyncio.sleep(PAUSE if size < len(body) else 0)
        for one in (writer, back):
            one.close()

    async with await asyncio.start_server(carry, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_page_is_painted_once_all_of_it_has_come(rooms: Gallery, browser: Browser) -> None:
    shown = await STATES["queue"](rooms)
    context = await chromium.new_context(browser)
    async with slow_line(rooms.rooms[shown.room].url) as url:
        cookies = rooms.cookies(shown.room, shown.person, Locale.EN)
        await context.add_cookies([{"name": it, "value": cookies[it], "url": url} for it in cookies])
        page = await context.new_page()
        await page.goto(url + shown.path)
        painted, read = await page.evaluate(PAINTED)
    await context.close()
    assert painted >= read
