"""The page of the list: what its address asks for, what it says, and that it hears of changes."""

import asyncio
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from services.portal import store
from services.portal.domain import Status
from services.portal.facts import Fact
from services.portal.handlers import update_registrations
from services.portal.lists import Order, Place, Sort
from services.portal.pages import listing
from services.portal.pages.accounts import AccountPages
from shared.database import Database
from shared.events import Outcome
from shared.service import Service
from shared.web import live
from shared.web.templating import Pages
from tests.services.conftest import PATIENCE, eventually
from tests.services.portal.conftest import AN, BINH, STAFF, Browse
from tests.services.portal.facts import ID, START, closed, confirmed, minutes, opened, requested

NAMED = re.compile(r'<a id="it-([^"]+)"[^>]*><bdi>(.*?)</bdi>')


def listed(page: str) -> list[str]:
    return [name for _id, name in NAMED.findall(page)]


def link(page: str, id: str) -> str | None:
    found = re.search(rf'<a [^>]*id="{id}" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None


async def register(database: Database, *names: str, partner_id: str = "p-1") -> None:
    async with database.transaction() as tx:
        requests = [
            requested(uuid4(), partner_id, common_name=name, requested_at=minutes(n)) for n, name in enumerate(names)
        ]
        await store.request(tx, requests)


async def hear(database: Database, *facts: Fact) -> None:
    async with database.transaction() as tx:
        await update_registrations(facts, tx)


@pytest.mark.parametrize("typed", ["nguyen", "NGUYỄN", "nguyễn a", "Nguyên Ấn", "an nguy", "khach nguyen"])
async def test_a_search_needs_no_accents_and_of_the_last_word_the_beginning(
    browse: Browse, database: Database, typed: str
) -> None:
    await register(database, "Nguyễn An", "Đỗ Bình")
    await register(database, "Nguyễn An của B", partner_id="p-2")
    page = await browse().get("/accounts", params={"q": typed})
    assert listed(page.text) == ["Nguyễn An"]


async def test_a_status_is_filtered_and_an_order_is_kept_over_pages(browse: Browse, database: Database) -> None:
    await register(database, *(f"K{n:03}" for n in range(120)))
    await hear(database, opened(uuid4(), common_name="Mở"))
    browser = browse()
    page = (await browser.get("/accounts?status=requested&sort=-name")).text
    found = listed(page)
    assert link(page, "previous") is None
    while address := link(page, "next"):
        page = (await browser.get(address)).text
        found += listed(page)
    assert found == [f"K{n:03}" for n in reversed(range(120))]
    previous = link(page, "previous")
    assert previous
    assert listed((await browser.get(previous)).text) == found[50:100]


async def test_where_nothing_is_left_of_a_page_the_list_begins_anew_and_says_so(
    browse: Browse, database: Database
) -> None:
    await register(database, *(f"K{n:03}" for n in range(60)))
    browser = browse()
    next_page = link((await browser.get("/accounts?status=requested")).text, "next")
    assert next_page
    page = (await browser.get(next_page)).text
    await hear(database, *(confirmed(UUID(its_id)) for its_id, _name in NAMED.findall(page)))
    page = (await browser.get(next_page)).text
    assert len(listed(page)) == 50
    assert 'data-address="/accounts?status=requested"' in page
    assert 'data-hx-get="/accounts?status=requested"' in page
    assert (link(page, "previous"), link(page, "next")) == (None, None)


async def test_a_list_says_how_much_was_found_for_who_does_not_see_it(browse: Browse, database: Database) -> None:
    await register(database, *(f"K{n:03} {'a' * (n < 3)}" for n in range(60)))
    browser = browse()
    for q, said in (
        ("", "50 customers are shown. More are on the next page."),
        ("a", "3 customers are shown."),
        ("k001", "1 customer is shown."),
        ("nobody", "No customers were found."),
    ):
        page = (await browser.get("/accounts", params={"q": q})).text
        assert re.findall(r'data-said="([^"]*)"', page) == [said]


async def test_a_heading_says_the_order_and_leads_to_the_opposite(browse: Browse, database: Database) -> None:
    await register(database, "An", "Bình")
    browser = browse()
    page = (await browser.get("/accounts")).text
    assert 'aria-sort="descending"><a class="sort" id="sort-registered"' in page
    by_name = link(page, "sort-name")
    assert by_name
    page = (await browser.get(by_name)).text
    assert 'aria-sort="ascending"><a class="sort" id="sort-name"' in page
    assert listed(page) == ["An", "Bình"]
    back = link(page, "sort-name")
    assert back
    assert listed((await browser.get(back)).text) == ["Bình", "An"]


async def test_nothing_yet_and_nothing_found_are_told_apart(browse: Browse, database: Database) -> None:
    assert "You have not registered any customers yet." in (await browse().get("/accounts")).text
    await register(database, "An")
    page = (await browse().get("/accounts?q=<b>x&status=approved")).text
    assert "“<bdi>&lt;b&gt;x</bdi>”" in page and "“Approved”" in page
    assert link(page, "clear") == "/accounts"


ASKED = st.fixed_dictionaries(
    {},
    optional={
        "q": st.text(max_size=40) | st.sampled_from(["'", "a:*", "\\", "\0", "&|!", "\u202e", "a'b"]),
        "status": st.text(max_size=5) | st.sampled_from(Status),
        "sort": st.text(max_size=5) | st.sampled_from(["name", "-changed", "-", "--name"]),
        "after": st.text(max_size=40) | st.binary(max_size=60).map(lambda it: urlsafe_b64encode(it).decode()),
        "before": st.text(max_size=40),
        "batch": st.text(max_size=5) | st.uuids().map(str),
        "since": st.text(max_size=5),
    },
)


@given(asked=ASKED)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_an_address_says_it_is_a_list(browse: Browse, database: Database, asked: dict[str, str]) -> None:
    for path in ("/accounts", "/accounts/export.csv"):
        assert (await browse().get(path, params=asked)).status_code == 200


VALUES = {
    Sort.REGISTERED: st.datetimes(timezones=st.just(START.tzinfo)),
    Sort.CHANGED: st.datetimes(timezones=st.just(START.tzinfo)),
    Sort.NAME: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    Sort.EMAIL: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
}
PLACES = st.sampled_from(listing.ORDERS).flatmap(
    lambda order: st.tuples(st.just(order), st.builds(Place, VALUES[order.sort], st.uuids()))
)


@given(PLACES)
def test_a_cursor_is_read_as_it_was_written_and_in_its_own_order_only(at: tuple[Order, Place]) -> None:
    order, place = at
    address = listing.Listing(order=order).behind(place)
    said = dict(part.split("=") for part in unquote(address).partition("?")[2].split("&"))
    assert listing.read(said).after == place
    said["sort"] = "name" if order.sort is not Sort.NAME else "email"
    assert listing.read(said).after is None


@given(PLACES, st.data())
def test_a_broken_cursor_is_the_first_page_or_another_place(at: tuple[Order, Place], data: st.DataObject) -> None:
    order, place = at
    cursor = listing._cursor(order, place)
    cut = data.draw(st.integers(0, len(cursor) - 1))
    broken = cursor[:cut] + data.draw(st.text(max_size=3)) + cursor[cut + 1 :]
    found = listing.read({"sort": listing._written(order), "after": broken}).after
    assert found is None or isinstance(found.registration_id, UUID)


@pytest.mark.parametrize(
    "value", ["a\0", "\ud800", "9" * 5000, None, 7, ["a"], {"a": 1}, "2026-07-01T09:00:00", "0001-01-01T00:00:00+23:59"]
)
@pytest.mark.parametrize("sort", ["name", "registered"])
async def test_a_cursor_that_no_page_gave_is_no_error(
    browse: Browse, database: Database, value: object, sort: str
) -> None:
    await register(database, "An")
    cursor = urlsafe_b64encode(json.dumps([sort, value, ID.hex]).encode()).decode()
    for way in ("after", "before"):
        answer = await browse().get("/accounts", params={"sort": sort, way: cursor})
        assert answer.status_code == 200
        assert listed(answer.text) == ["An"]


async def test_what_a_form_added_is_shown_with_what_came_of_it(browse: Browse, database: Database) -> None:
    batch_id = uuid4()
    ids = [ID, uuid4(), uuid4()]
    async with database.transaction() as tx:
        await store.request(tx, [requested(one, batch_id=batch_id, common_name=f"K{n}") for n, one in enumerate(ids)])
    await register(database, "Khác")
    await hear(database, closed(Outcome.REFUSED, "not_registered"), confirmed(ids[1]))
    page = (await browse().get(f"/accounts?batch={batch_id}")).text
    assert listed(page) == ["K0", "K1", "K2"]
    assert "3 customers were added." in page
    assert "This email address is not an account registered with VNG Cloud." in page
    assert 'data-live="/accounts/changes' in page
    assert listed((await browse(BINH).get(f"/accounts?batch={batch_id}")).text) == []


async def test_an_open_list_hears_of_a_change_and_then_shows_it(
    browse: Browse, portal: Service, database: Database
) -> None:
    await hear(database, opened())
    browser = browse()
    page = (await browser.get("/accounts")).text
    stream = re.search(r'data-live="([^"]+)"', page)
    assert stream and "Waiting for the customer" in page
    stopping = asyncio.Event()
    listening = asyncio.create_task(portal.changes.run(stopping))

    async def listens() -> bool:
        return portal.changes.listening

    await eventually(listens, bool)
    pages = AccountPages(Pages.__new__(Pages), database, portal.changes)
    right_at = time.time() + 2 * live.CLOCKS_DIFFER  # beyond doubt: only what comes now is told
    query = f"since={right_at}".encode()
    request = Request({"type": "http", "method": "GET", "headers": [], "query_string": query})
    told = (await pages.changes(request, AN)).body_iterator  # type: ignore[attr-defined]
    assert await anext(told) == ": watching\n\n"
    await hear(database, confirmed())
    async with asyncio.timeout(PATIENCE):
        assert any([sent async for sent in until_changed(told)])
    assert "Waiting for VNG Cloud's approval" in (await browser.get("/accounts")).text
    stopping.set()
    with suppress(StopAsyncIteration):
        await listening


async def until_changed(told: AsyncIterator[str]) -> AsyncIterator[bool]:
    async for sent in told:
        yield sent.startswith("event: changed")
        if sent.startswith("event: changed"):
            return


async def test_the_stream_is_for_people_of_a_partner(browse: Browse) -> None:
    for path in ("/accounts/changes", "/accounts/export.csv", "/accounts/export.xlsx"):
        assert (await browse(STAFF).get(path)).status_code == 403
        assert (await browse(None).get(path)).status_code in {303, 401}
