"""How quickly each page answers with many registrations stored, how much a first view loads, and what shifts in it.

    .venv/bin/python -m bench.pages 1000000
    .venv/bin/python -m bench.pages 100000 --seconds 4 --only search

All registrations belong to one partner, which is the hardest for its list; a fifth of the cases waits for staff. The
services run as processes on real servers. Each page gets 50 requests a second for ten seconds, sent when they are due
whether or not earlier ones were answered, and a request's time counts from when it was due. One that is refused, or
never answered, counts as without end. The second before these, when connections are opened and statements are prepared,
is printed apart. Needs Debian's chromium-headless-shell for the second part; without it only the first is printed.
"""

import argparse
import asyncio
import itertools
import math
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from bench.stored import LAN, NAMES, STAFF, Stored, fill
from commands.demo import machine
from commands.demo.machine import Machine, Room
from commands.demo.people import Browser
from services.notifier.links import Links

RATE = 50  # requests a second
SECONDS = 10  # for each page, unless --seconds says otherwise
WARM_UP = 1  # second, printed apart: the first requests after a start
LIMIT = 0.050  # seconds at p95
PATIENCE = 30.0  # seconds: what was not answered by then never will be
IDLE = 3.0  # seconds that a connection may wait; the services close it after five
FIRST_VIEW = 100_000  # bytes
SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver(list => list.getEntries().forEach(it => { window.shifted += it.value; }))
        .observe({type: "layout-shift", buffered: true});
"""
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    service: str
    paths: Sequence[str]


def pages(stored: Stored, links: Links, pick: random.Random) -> list[Page]:
    searches = [urlencode({"q": f"{pick.choice(NAMES)} {pick.randrange(len(stored.ids))}"}) for _ in range(100)]

    def some(ids: Sequence[UUID]) -> list[UUID]:
        return [pick.choice(ids) for _ in range(200)]

    portal = {
        "list": ["/accounts"],
        "list, by name": ["/accounts?sort=name"],
        "list, by email": ["/accounts?sort=email"],
        "list, by last change": ["/accounts?sort=changed"],
        "list, a rare status": ["/accounts?status=expired"],
        "list, a common status": ["/accounts?status=approved"],
        "search, one of all": [f"/accounts?{it}" for it in searches],
        "search, one in nine": ["/accounts?q=phan+mem", "/accounts?q=phan+mem&sort=name"],
        "search, in every row": ["/accounts?q=cong+ty", "/accounts?q=example&sort=email"],
        "search, in every row, rare status": ["/accounts?q=cong+ty&status=expired"],
        "search, nothing": ["/accounts?q=khongcogi"],
        "form": ["/accounts/add"],
        "registration": [f"/accounts/{it}" for it in some(stored.ids)],
    }
    approver = {
        "queue": ["/cases"],
        "queue, filtered": [f"/cases?show={it}" for it in ("mine", "unclaimed", "due", "current-customers", "decided")],
        "queue, search": [f"/cases?{it}" for it in searches] + [f"/cases?show=decided&{it}" for it in searches],
        "queue, search in every row": ["/cases?q=cong+ty", "/cases?q=example&show=decided"],
        "case": [f"/cases/{it}" for it in some(stored.open_cases)],
    }
    notifier = {"confirmation": [f"/confirmations/{links.token(it)}" for it in some(stored.ids)]}
    return [
        Page(name, service, paths)
        for service, of_service in (("portal", portal), ("approver", approver), ("notifier", notifier))
        for name, paths in of_service.items()
    ]


class Client:
    """Asks on connections that are kept, and reads no more of an answer than its status and length: what asks shares
    two cores with what answers."""

    def __init__(self, url: str, cookies: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._headers = f"Host: {urlsplit(url).netloc}\r\nCookie: {cookies}\r\nAccept-Language: en\r\n\r\n"
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []

    async def get(self, path: str) -> int:
        """The status."""
        while self._free and time.monotonic() - self._free[-1][2] > IDLE:
            self._free.pop()[1].close()
        kept = self._free.pop()[:2] if self._free else None
        reader, writer = kept or await asyncio.open_connection(self._host, self._port)
        writer.write(f"GET {path} HTTP/1.1\r\n{self._headers}".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        self._free.append((reader, writer, time.monotonic()))
        return int(head.split(b" ", 2)[1])


async def load(client: Client, paths: Sequence[str], seconds: int) -> list[float]:
    """Seconds for each request; without end for one that was refused."""
    begun = time.perf_counter()

    async def ask(number: int, path: str) -> float:
        due = begun + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        try:
            async with asyncio.timeout(PATIENCE):
                status = await client.get(path)
        except (OSError, EOFError):  # the service broke off, or was silent
            return math.inf
        return time.perf_counter() - due if status == 200 else math.inf

    turns = itertools.islice(itertools.cycle(paths), RATE * seconds)
    return list(await asyncio.gather(*(ask(number, path) for number, path in enumerate(turns))))


async def answering(running: Machine, found: Sequence[Page], seconds: int) -> bool:
    """Prints how long each page's answers took; True where all kept the limit."""
    print(f"{RATE} requests a second for {seconds} s each, in ms            p50    p95    max  max of the first second")
    good = True
    clients = {
        "portal": await signed_in(running.urls["portal"], "/accounts", LAN),
        "approver": await signed_in(running.urls["approver"], "/cases", STAFF),
        "notifier": Client(running.urls["notifier"], ""),
    }
    for page in found:
        first = await load(clients[page.service], page.paths, WARM_UP)
        taken = await load(clients[page.service], page.paths, seconds)
        p95 = statistics.quantiles(taken, n=20)[-1]
        good &= p95 < LIMIT
        marks = "" if p95 < LIMIT else f"  over {1000 * LIMIT:.0f}"
        figures = "".join(f"{1000 * it:7.1f}" for it in (statistics.median(taken), p95, max(taken), max(first)))
        print(f"{page.service:<10}{page.name:<40}{figures}{marks}", flush=True)
    return good


async def signed_in(url: str, path: str, email: str) -> Client:
    async with Browser(url) as browser:
        await browser.sign_in(path, email)
        return Client(url, browser.cookies)


async def first_views(running: Machine, found: Sequence[Page]) -> bool:
    """Prints what a browser that was never here loads for each page, and what shifts while it does."""
    from playwright.async_api import async_playwright  # noqa: PLC0415  # comes with the tools for tests

    print("first view                                              bytes  shift")
    good = True
    async with async_playwright() as player:
        chromium = await player.chromium.launch(executable_path=CHROMIUM)
        for page in found:
            size, shift = await first_view(chromium, running.urls[page.service], page)
            good &= size < FIRST_VIEW and shift == 0
            print(f"{page.service:<10}{page.name:<40}{size:>10,}  {shift:.3f}", flush=True)
        await chromium.close()
    return good


async def first_view(chromium: Any, url: str, page: Page) -> tuple[int, float]:
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en")
    tab = await context.new_page()
    if page.service != "notifier":
        await tab.goto(url)
        await tab.locator(f'[name="sub"][value="{LAN if page.service == "portal" else STAFF}"]').first.click()
        await tab.wait_for_url(f"{url}/**")
    session = await context.storage_state()
    await context.close()
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, storage_state=session)
    await context.add_init_script(SHIFTS)
    tab = await context.new_page()
    loaded: list[float] = []
    network = await context.new_cdp_session(tab)
    await network.send("Network.enable")
    network.on("Network.loadingFinished", lambda it: loaded.append(it["encodedDataLength"]))
    await tab.goto(url + page.paths[0], wait_until="load")
    await tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shift = await tab.evaluate("window.shifted")
    await context.close()
    return int(sum(loaded)), shift


def store(room: Room, count: int) -> list[Page]:
    """Fills the tables before the services start, as they would hear of every row."""
    pick = random.Random(5)  # noqa: S311  # the same rows each time
    begun = time.perf_counter()
    stored = asyncio.run(fill(room.environment["DATABASE_URL"], count, pick))
    taken = time.perf_counter() - begun
    print(f"{count:,} registrations and {len(stored.open_cases):,} open cases stored in {taken:.0f} s", flush=True)
    return pages(stored, Links(room.urls["notifier"], [room.environment["LINK_SECRET"]]), pick)


async def run(running: Machine, found: Sequence[Page], seconds: int) -> bool:
    good = await answering(running, found, seconds)
    if CHROMIUM is None:
        print("first views: not measured; expected Debian's chromium on PATH")
        return good
    return await first_views(running, found) and good


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m bench.pages", description="How quickly each page answers.")
    asked.add_argument("count", nargs="?", type=int, default=1_000_000, help="registrations stored")
    asked.add_argument("--seconds", type=int, default=SECONDS, help="of 50 requests each, for each page")
    asked.add_argument("--only", default="", metavar="TEXT", help="the pages with TEXT in their service and name")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, machine.prepared(Path(folder), print) as room:
        found = [it for it in store(room, wanted.count) if wanted.only in f"{it.service} {it.name}"]
        with machine.started(room, Path(folder), print) as running:
            good = asyncio.run(run(running, found, wanted.seconds))
    print("every page keeps its limits" if good else "NOT every page keeps its limits")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
