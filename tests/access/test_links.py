"""Confirmation links are secrets of their customers: nowhere kept, nowhere told, and changed with their key."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest
from aiokafka.structs import ConsumerRecord

from commands.demo.people import link_in
from embedded import process
from embedded.ports import free_port
from embedded.process import Process
from services.notifier.links import Links
from shared.events import ConfirmationSent, CustomerConfirmed, Event
from tests.access.house import House, Matter
from tests.integration.conftest import PATIENCE, Publish, World, moment, read_topic

OLD, NEW = "the key of last year, retired", "the key of this year, in use"


async def opened(url: str, *keys: str) -> AsyncIterator[House]:
    house = House(url, ["notifier"], link_secret=list(keys))
    yield house
    await house.close()


async def test_a_link_outlives_the_change_of_its_key_and_ends_with_the_key(fresh_url: str) -> None:
    matter = Matter()
    old, new = (f"/confirmations/{Links('', [key]).token(matter.registration_id)}" for key in (OLD, NEW))
    statuses = {}
    for keys in ((OLD,), (NEW, OLD), (NEW,)):
        async for house in opened(fresh_url, *keys):
            if keys == (OLD,):
                await house.prepare("notifier", matter, "open")
            statuses[keys] = [(await house.ask("notifier", "GET", link)).status for link in (old, new)]
    assert statuses == {(OLD,): [200, 404], (NEW, OLD): [200, 200], (NEW,): [404, 200]}


@pytest.mark.parametrize("answer", ["confirm", "decline"])
async def test_a_used_link_acts_no_more(fresh_url: str, answer: str) -> None:
    async for house in opened(fresh_url, "a key for links of tests"):
        matter = Matter()
        await house.prepare("notifier", matter, "open")
        await house.ask("notifier", "POST", f"/confirmations/{matter.token}/{answer}")
        before = await house.stands("notifier", matter)
        for path in ("", "/confirm", "/decline", "/confirm", "/decline"):
            method = "POST" if path else "GET"
            await house.ask("notifier", method, f"/confirmations/{matter.token}{path}", form={"reason": "Thôi"})
        assert await house.stands("notifier", matter) == before


@pytest.mark.parametrize("path", ["", "/confirm", "/decline"])
async def test_no_page_behind_a_link_leads_its_reader_or_its_address_elsewhere(fresh_url: str, path: str) -> None:
    async for house in opened(fresh_url, "a key for links of tests"):
        matter = Matter()
        await house.prepare("notifier", matter, "open")
        page = await house.ask("notifier", "POST" if path else "GET", f"/confirmations/{matter.token}{path}")
        assert (page.status, page.headers["referrer-policy"]) == (200, "same-origin")
        addresses = re.findall(r'(?:href|src|action|data-[a-z-]+)="([^"]+)"', page.text)
        assert addresses and all(it.startswith(("/", "#")) and not it.startswith("//") for it in addresses)
        assert "cross-origin-opener-policy" in page.headers and "set-cookie" not in page.headers


async def talkative(world: World, processes: list[Process]) -> str:
    """Notifier at DEBUG, as a process of its own, ready; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.access.at_debug", "notifier", str(port)]
    log = world.folder / "notifier.log"
    processes.append(process.start(command, log_path=log, env=world.environment(PUBLIC_URL=url, TRIES_LIMIT="3")))
    async with httpx2.AsyncClient() as client, asyncio.timeout(PATIENCE):
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return url
            except httpx2.TransportError:
                pass
            await moment()


async def test_a_running_service_never_tells_a_link_but_in_its_mail(
    world: World, publish: Publish, processes: list[Process]
) -> None:
    """Not its log, where everything is logged, not its numbers, its database or what it publishes."""
    url, matter = await talkative(world, processes), Matter()
    await publish(matter.opened())
    assert world.servers.mailbox
    mail = await asyncio.to_thread(world.servers.mailbox.wait_for, to=matter.email, timeout=PATIENCE)
    path = urlsplit(link_in(mail.text)).path
    token = path.rpartition("/")[2]
    asked, statuses = [("HEAD", path), ("GET", f"{path}x"), ("GET", path[:-1]), ("GET", f"{path}/x/y")], []
    asked += [("POST", f"{path}/{it}") for it in ("x", "decline?reason=1", "confirm", "confirm", "decline")]
    asked += [("GET", path), ("GET", f"{path}/confirm"), ("PUT", path), ("GET", f"/elsewhere{path}")]
    async with httpx2.AsyncClient(base_url=url, headers={"origin": url, "referer": f"{url}{path}"}) as customer:
        for method, address in asked:
            form = {"reason": "x" * 2000} if "?" in address else None
            statuses.append((await customer.request(method, address, data=form)).status_code)
        statuses.append((await customer.post("/language", data={"back": path, "language": "en"})).status_code)
        statuses.append((await customer.post(f"{path}/confirm", headers={"origin": "null"})).status_code)
        numbers = (await customer.get("/metrics")).text + (await customer.get("/readyz")).text
    assert {200, 303, 403, 404, 405, 409, 422, 429} <= set(statuses)
    published = [await first(world, kind) for kind in (ConfirmationSent, CustomerConfirmed)]
    processes[-1].stop()
    log = (world.folder / "notifier.log").read_text(errors="replace")
    assert "debug" in log and "confirmations" in log and str(matter.registration_id) in log  # it did log everything
    kept = await everything(world)
    assert str(matter.registration_id) in kept
    secret = token[-43:]  # the signature, and so what ends every token, cut off or not
    for told in (log, numbers, kept, *map(str, published)):
        assert secret[:-1] not in told and token[:40] not in told


async def first(world: World, kind: type[Event]) -> ConsumerRecord[object, object]:
    [record] = await read_topic(world, kind, "notifier", 1)
    return record


async def everything(world: World) -> str:
    """All rows of all tables of notifier."""
    schema = "select table_name from information_schema.tables where table_schema = 'notifier'"
    tables = [row[0] for row in await world.rows("notifier", schema)]
    rows = [await world.rows("notifier", f"select it::text from {table} as it") for table in tables]
    return "\n".join(str(row[0]) for some in rows for row in some)
