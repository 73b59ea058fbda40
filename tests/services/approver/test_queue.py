"""The queue: which cases a view holds, in which order, on which page, what a row says, and what an open page hears."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import StreamingResponse

from services.approver import queue, store
from services.approver.domain import Case, Decided, Status
from services.approver.pages.asked_queue import Asked, asked_at
from services.approver.queue import Beyond, Key, Reader
from services.approver.queue_statements import MOST_COUNTED, NEAR, PAGE, View
from shared import searching
from shared.database import Database
from shared.eligibility import AccountDeleted
from shared.events import Locale
from shared.service import Service
from shared.web import live
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    account_updated,
    confirmed,
    registration_approved,
    registration_closed,
)
from tests.services.approver.at_work import LAN, hear
from tests.services.approver.staff import BINH, CASE, HOA, PARTNER, Browse, hears, reading
from tests.services.approver.statements import statements_of
from tests.services.conftest import PATIENCE, MovableClock, Open, eventually

READER = Reader(LAN.email, NOW, NOW + DAY)
EMAILS = {ONE: "one@x.vn", TWO: "two@x.vn", THREE: "three@x.vn"}


async def three_cases(approver: Service) -> None:
    """Due one after the other."""
    await hears(approver, *map(account_updated, EMAILS.values()))
    for n, (registration_id, email) in enumerate(EMAILS.items()):
        await hears(approver, confirmed(registration_id, customer_email=email, confirmed_at=NOW - DAY + n * HOUR))


def listed(page: httpx2.Response) -> list[str]:
    """The accounts in the rows."""
    assert page.status_code == 200, page.status_code
    return re.findall(r'<th scope="row">\s*<a href="/cases/[^"]+"><bdi>([^<]*)</bdi>', page.text)


def count_of(page: httpx2.Response, view: str) -> str:
    """As the tab says it."""
    tab = re.search(rf'<a id="show-{view}".*?<span class="count">(.*?)</span>', page.text, re.DOTALL)
    assert tab
    return tab[1]


def row_of(page: httpx2.Response, email: str) -> str:
    [row] = [it for it in page.text.split("<tr>") if f"<bdi>{email}</bdi></a>" in it]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", row.partition("</tr>")[0])).split())


def link(page: httpx2.Response, rel: str) -> str | None:
    found = re.search(rf'<a rel="{rel}" href="([^"]*)"', page.text)
    return unescape(found[1]) if found else None


async def test_each_view_holds_its_cases_and_its_tab_counts_them(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await three_cases(approver)
    await hears(approver, account_updated("three@x.vn", version=2, vng_customer=True, in_poc=True))
    hoa = browse(HOA)
    await hoa.post(f"/cases/{ONE}/claim")
    await browse(BINH).post(f"/cases/{TWO}/claim")
    expected = {
        "all": ["one@x.vn", "two@x.vn", "three@x.vn"],
        "mine": ["one@x.vn"],
        "unclaimed": ["three@x.vn"],
        "due": [],
        "current-customers": ["three@x.vn"],
    }
    for view, emails in expected.items():
        page = await hoa.get(f"/cases?show={view}")
        assert listed(page) == emails
        assert {it: count_of(page, it) for it in expected} == {it: str(len(them)) for it, them in expected.items()}
    clock.now += 4 * HOUR  # the claims are over; nobody has acted on that yet
    assert listed(await hoa.get("/cases?show=mine")) == []
    assert listed(await hoa.get("/cases?show=unclaimed")) == ["one@x.vn", "two@x.vn", "three@x.vn"]


async def test_due_is_what_is_overdue_or_due_before_the_next_business_day(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    """NOW is a Wednesday, 16:00 in Vietnam; the reviews are due on Friday from then on."""
    await three_cases(approver)
    for at, emails in (
        (NOW + timedelta(hours=31, minutes=59), []),  # Thursday 23:59
        (NOW + timedelta(hours=32), ["one@x.vn", "two@x.vn", "three@x.vn"]),  # Friday 00:00
        (NOW + 5 * DAY, ["one@x.vn", "two@x.vn", "three@x.vn"]),
    ):
        clock.now = at
        assert listed(await browse(HOA).get("/cases?show=due")) == emails


async def test_a_row_says_whose_case_it_is_what_is_the_matter_with_it_and_how_long_it_has(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await three_cases(approver)
    await hears(approver, account_updated("three@x.vn", version=2, vng_customer=True, credit_balance=5))
    hoa = browse(HOA)
    await hoa.post(f"/cases/{ONE}/claim")
    clock.now = NOW + timedelta(hours=1)
    page = await hoa.get("/cases")
    assert row_of(page, "one@x.vn").endswith("2 business days left you")
    assert row_of(await browse(BINH).get("/cases"), "one@x.vn").endswith("2 business days left hoa@vng.example")
    assert "Công ty Đối Tác Khách quen 30 Jun 2026, 17:00" in row_of(page, "two@x.vn")
    assert row_of(page, "two@x.vn").endswith("–")
    assert "Account changed Current customer Conditions not met" in row_of(page, "three@x.vn")
    for mark in ("Account changed", "Current customer", "Conditions not met"):
        assert mark not in row_of(page, "one@x.vn")
    clock.now = NOW + DAY + 20 * HOUR  # Friday
    assert "due today" in row_of(await browse(HOA).get("/cases"), "two@x.vn")
    clock.now = NOW + 5 * DAY
    vietnamese = await browse(reading(HOA, Locale.VI)).get("/cases")
    assert "Quá hạn 1 ngày làm việc" in row_of(vietnamese, "two@x.vn")


async def test_a_deleted_account_is_marked_as_not_meeting_the_conditions(approver: Service, browse: Browse) -> None:
    await three_cases(approver)
    async with approver.database.transaction() as tx:
        await approver.consumer.inbox.handler_of(type(account_updated()))([AccountDeleted("two@x.vn")], tx)
    assert "Conditions not met" in row_of(await browse(HOA).get("/cases"), "two@x.vn")


async def test_a_case_is_found_by_account_partner_and_common_name_with_and_without_accents(
    approver: Service, browse: Browse
) -> None:
    await three_cases(approver)
    other = {"partner_id": "p-9", "partner_name": "Đám Mây Sài Gòn"}
    await hears(approver, confirmed(UUID(int=9), customer_email="an@x.vn", common_name="Bánh mì", **other))
    hoa = browse(HOA)
    for typed in ("an@x.vn", "Mây", "may sai", "dam", "BANH", "bánh mì an", "sai banh x.vn"):
        assert listed(await hoa.get("/cases", params={"q": typed})) == ["an@x.vn"], typed
    assert listed(await hoa.get("/cases", params={"q": "banh two"})) == []
    assert listed(await hoa.get("/cases", params={"q": "an", "show": "mine"})) == []
    assert len(listed(await hoa.get("/cases", params={"q": "!?"}))) == 4


async def test_what_is_over_is_found_with_who_decided_and_when(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await three_cases(approver)
    hoa = browse(HOA)
    await hoa.post(f"/cases/{ONE}/approve")
    await browse(BINH).post(f"/cases/{TWO}/reject", data={"reason": "no"})
    clock.now += HOUR
    await hears(approver, registration_closed(THREE, customer_email="three@x.vn", closed_at=NOW + HOUR))
    page = await hoa.get("/cases?show=decided")
    assert listed(page)[0] == "three@x.vn" and set(listed(page)) == set(EMAILS.values())
    assert row_of(page, "one@x.vn").endswith("Approved you 1 Jul 2026, 16:00")
    assert row_of(page, "two@x.vn").endswith("Rejected binh@vng.example 1 Jul 2026, 16:00")
    assert row_of(page, "three@x.vn").endswith("Over before a decision – 1 Jul 2026, 17:00")
    assert listed(await hoa.get("/cases?show=decided&q=two")) == ["two@x.vn"]
    assert listed(await hoa.get("/cases")) == []


@pytest.mark.parametrize("show", ["all", "decided"])
async def test_pages_follow_each_other_and_lead_back(
    approver: Service, browse: Browse, clock: MovableClock, show: str
) -> None:
    """Many that are due at the same moment, too."""
    ids = [UUID(int=n + 1) for n in range(2 * PAGE + 7)]
    events = [confirmed(it, customer_email=f"k{n}@x.vn", confirmed_at=NOW - (n % 3) * HOUR) for n, it in enumerate(ids)]
    await hear(approver.database, *events)
    if show == "decided":
        for n, it in enumerate(events):
            final = registration_approved(it.registration_id, approved_at=NOW + (n % 3) * HOUR)
            await hears(approver, final)
    hoa = browse(HOA)
    pages = [await hoa.get(f"/cases?show={show}")]
    while forth := link(pages[-1], "next"):
        pages.append(await hoa.get(forth))
    shown = [listed(page) for page in pages]
    assert [len(it) for it in shown] == [PAGE, PAGE, 7]
    assert len({email for it in shown for email in it}) == len(ids)
    assert link(pages[0], "prev") is None
    back = [pages[-1]]
    while before := link(back[-1], "prev"):
        back.append(await hoa.get(before))
    assert [listed(page) for page in reversed(back)] == shown


async def test_a_page_whose_cases_are_gone_gives_way_to_the_first(approver: Service, browse: Browse) -> None:
    await hear(approver.database, *(confirmed(UUID(int=n), customer_email=f"k{n}@x.vn") for n in range(PAGE + 2)))
    hoa = browse(HOA)
    first = await hoa.get("/cases")
    last = link(first, "next")
    assert last
    before = link(await hoa.get(last), "prev")
    assert before
    await hear(approver.database, *(registration_closed(UUID(int=n)) for n in (0, 50, 51)))
    assert listed(await hoa.get(last)) == listed(await hoa.get(before)) == [f"k{n}@x.vn" for n in range(1, 50)]


BELONGS: dict[View, Callable[[Case, datetime], bool]] = {
    View.ALL: lambda it, now: it.status is Status.OPEN,
    View.MINE: lambda it, now: it.status is Status.OPEN and it.claimer(now) == LAN.email,
    View.UNCLAIMED: lambda it, now: it.status is Status.OPEN and it.claimer(now) is None,
    View.DUE: lambda it, now: it.status is Status.OPEN and it.due_at is not None and it.due_at <= now + DAY,
    View.CURRENT_CUSTOMERS: lambda it, now: it.status is Status.OPEN and it.current_customer,
    View.DECIDED: lambda it, now: it.status is not Status.OPEN,
}


async def made_up_cases(database: Database) -> list[Case]:
    """Many, many alike in their times."""
    chance = random.Random(17)
    made = []
    for n in range(400):
        due = NOW + chance.randrange(-3, 6) * DAY / 2
        claimed = chance.choice([None, (LAN.email, NOW + HOUR), (LAN.email, NOW), ("minh@vng.example", NOW + HOUR)])
        case = Case(UUID(int=chance.getrandbits(128)), "p-1", "Đối Tác", f"k{n}@x.vn", chance.choice(["Bánh", "Phở"]),
                    "Partner", Status.OPEN, 1, NOW, waiting_since=due - DAY, due_at=due)  # fmt: skip
        match chance.randrange(3):
            case 0:
                case = case._replace(
                    status=Status.APPROVED, decided_by="x", decided_at=due, final_at=NOW, outcome="approved"
                )
            case 1:
                case = case._replace(status=Status.WITHDRAWN, final_at=due, outcome="withdrawn")
            case _:
                who, until = claimed or (None, None)
                case = case._replace(claimed_by=who, claimed_until=until, current_customer=chance.random() < 0.6)
        made.append(case)
    async with database.transaction() as tx:
        await store.save(tx, Decided(new={it.registration_id: it for it in made}))
    return made


async def test_a_walk_through_any_view_meets_each_of_its_cases_once_in_order_and_again_on_the_way_back(
    open_database: Open,
) -> None:
    database = await open_database("approver")
    made = await made_up_cases(database)
    async with database.transaction() as tx:
        for view, typed in product(View, (None, "banh", "pho doi")):
            over = view is View.DECIDED
            expected = sorted(
                (
                    it
                    for it in made
                    if BELONGS[view](it, NOW) and (not typed or (it.common_name == "Bánh") == (typed == "banh"))
                ),
                key=lambda it: (it.decided_at or it.final_at or it.due_at, it.registration_id),
                reverse=over,
            )
            query = searching.query(typed) if typed else None
            pages = [await queue.page(tx, view, READER, query)]
            while beyond := pages[-1].next:
                pages.append(await queue.page(tx, view, READER, query, beyond))
            assert [it for page in pages for it in page.cases] == expected
            back = pages[-1:]
            while beyond := back[-1].previous:
                back.append(await queue.page(tx, view, READER, query, beyond))
            assert len(back) <= len(pages) + 1
            if len(expected) > 2 * PAGE:
                assert back[1].cases == expected[-len(pages[-1].cases) - PAGE : -len(pages[-1].cases)]
            assert back[-1].cases == expected[:PAGE]
        counts = await queue.counts(tx, READER)
    assert counts == {it: sum(BELONGS[it](case, NOW) for case in made) for it in counts}


FILL = """
    insert into approver.cases (registration_id, partner_id, partner_name, customer_email, common_name, role, status,
        version, opened_at, waiting_since, due_at, claimed_by, claimed_until, decided_by, decided_at, current_customer,
        search_text)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'p', 'P', 'k' || n || '@x.vn', 'K', 'Partner',
        case when n % 2 = 0 then 'open' else 'rejected' end, 1, $1, $1, $1::timestamptz + n * interval '1 min',
        case when n % 50 = 0 then 'lan@vng.example' end, case when n % 50 = 0 then $1::timestamptz + interval '1 h' end,
        case when n % 2 = 1 then 'x' end, case when n % 2 = 1 then $1::timestamptz + n * interval '1 min' end,
        n % 20 = 0, 'k' || n || ' x vn' || case when n % 2000 < 2 then ' rare' else '' end
    from generate_series(1, 30000) n
"""


async def test_among_many_cases_each_view_each_count_and_each_search_is_found_by_an_index(
    open_database: Open, database_url: str
) -> None:
    database = await open_database("approver")
    owner = await asyncpg.connect(database_url, server_settings={"search_path": "approver"})
    deep = Beyond(Key(NOW + DAY, ONE))
    try:
        await owner.execute(FILL, NOW)
        await owner.execute("analyze")
        with statements_of(database) as sent:
            async with database.transaction() as tx:
                counts = await queue.counts(tx, READER)
                for view, query, beyond in product(
                    View, (None, "'rare':*", "'x':*"), (None, deep, replace(deep, before=True))
                ):
                    await queue.page(tx, view, READER, query, beyond)
                found = [await queue.page(tx, view, READER, "'rare':*") for view in (View.ALL, View.DECIDED)]
        plans = [
            await owner.fetchval(f"explain (format json) {statement}", *parameters)
            for statement, parameters in sent
            if "cases" in statement
        ]
    finally:
        await owner.close()
    assert "Seq Scan" not in "".join(plans)
    assert any("cases_open_words_idx" in plan for plan in plans)
    assert any("cases_over_words_idx" in plan for plan in plans)
    assert counts[View.ALL] == counts[View.UNCLAIMED] == MOST_COUNTED + 1
    assert [len(page.cases) for page in found] == [15, 15]
    assert NEAR < 15_000, "or the index of words is not asked"


async def test_a_search_that_finds_more_than_is_sorted_says_so_and_shows_some_in_order(
    approver: Service, browse: Browse, database_url: str
) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute(FILL, NOW)
    await owner.execute(
        "update approver.cases set search_text = search_text || ' far' where due_at > $1", NOW + 12 * DAY
    )
    await owner.execute("analyze approver.cases")
    await owner.close()
    async with approver.database.transaction() as tx:
        far = await queue.page(tx, View.ALL, READER, "'far':*")
        rare = await queue.page(tx, View.ALL, READER, "'rare':*")
    assert far.is_partial and not rare.is_partial
    assert len(far.cases) == PAGE and far.next
    assert [case.due_at for case in far.cases] == sorted(case.due_at for case in far.cases if case.due_at)
    said = "So many cases were found"
    assert said in (await browse(HOA).get("/cases?q=far")).text
    assert said not in (await browse(HOA).get("/cases?q=rare")).text


async def test_a_count_says_when_it_stopped_counting(approver: Service, browse: Browse, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute(FILL.replace("30000", "2002"), NOW)
    await owner.close()
    assert count_of(await browse(HOA).get("/cases"), "all") == "1,000+"
    assert count_of(await browse(reading(HOA, Locale.VI)).get("/cases"), "all") == "1.000+"
    assert count_of(await browse(HOA).get("/cases"), "mine") == "0"


PARAMETERS = st.dictionaries(
    st.sampled_from(["show", "q", "after", "before", "seen"]),
    st.text(max_size=60)
    | st.sampled_from([*View, "0." + str(ONE), "9" * 30 + "." + str(ONE), "-62135596800000001." + str(ONE), "1.x"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=PARAMETERS)
async def test_no_address_is_an_error_and_each_gives_the_view_it_names(
    three_at_hand: Service, browse: Browse, parameters: dict[str, str]
) -> None:
    page = await browse(HOA).get("/cases", params=parameters)
    assert page.status_code == 200
    show = parameters.get("show")
    assert f'<a id="show-{show if show in {*View} else "all"}" href=' in page.text
    assert page.text.isprintable() or not set(page.text) & {chr(n) for n in range(32)} - {"\n"}


@pytest.fixture
async def three_at_hand(approver: Service) -> Service:
    await three_cases(approver)
    return approver


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
KEYS = st.builds(Key, MOMENTS, st.uuids())


@given(
    asked=st.builds(
        Asked,
        st.sampled_from(View),
        st.text(st.characters(categories=["L", "N", "P"]), max_size=50),
        st.none() | st.builds(Beyond, KEYS, st.booleans()),
    )
)
def test_the_address_of_a_part_of_the_queue_asks_for_that_part(asked: Asked) -> None:
    assert asked_at(asked.address) == asked


@asynccontextmanager
async def heard(approver: Service) -> AsyncIterator[None]:
    """What transactions change is heard by the pages of this process."""
    stopping = asyncio.Event()
    running = asyncio.create_task(approver.changes.run(stopping))

    async def listens() -> bool:
        return approver.changes.listening

    try:
        await eventually(listens, bool)
        yield
    finally:
        stopping.set()
        await running


def news_since_now(approver: Service) -> AsyncIterator[Any]:
    """As a page asks that is right beyond doubt."""
    since = f"since={time.time() + 2 * live.CLOCKS_DIFFER}".encode()
    asking = Request({"type": "http", "method": "GET", "headers": [], "query_string": since})
    answer = approver.changes.stream(asking, HOA, "cases")
    assert isinstance(answer, StreamingResponse)
    return answer.body_iterator  # type: ignore[return-value]  # a generator


async def test_an_open_queue_hears_of_every_change_of_a_case_or_its_account(approver: Service, browse: Browse) -> None:
    """Each is told to pages that were right before it."""
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: hears(approver, confirmed()),
        lambda: browse(HOA).post(f"{CASE}/claim"),
        lambda: hears(approver, account_updated(version=2, in_poc=True)),
        lambda: browse(HOA).post(f"{CASE}/release"),
        lambda: browse(HOA).post(f"{CASE}/reject", data={"reason": "no"}),
        lambda: hears(approver, registration_closed()),
    ]
    async with heard(approver):
        for step in steps:
            stream = news_since_now(approver)
            assert await anext(stream) == ": watching\n\n"
            await step()
            async with asyncio.timeout(PATIENCE):
                assert "event: changed" in str(await anext(stream))


async def test_an_open_queue_says_that_it_has_changed_only_once_its_own_rows_have(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await three_cases(approver)
    hoa = browse(HOA)
    page = await hoa.get("/cases?show=mine")
    again = asked_again(page)
    assert again.startswith("/cases?show=mine&seen=")
    clock.now += HOUR
    await browse(BINH).post(f"/cases/{TWO}/claim")
    elsewhere = await hoa.get(again)
    assert "The queue has changed." not in elsewhere.text and count_of(elsewhere, "unclaimed") == "2"
    await hoa.post(f"/cases/{ONE}/claim")
    changed = await hoa.get(again)
    assert '<a id="queue-news-show" href="/cases?show=mine">Show it</a>' in changed.text
    assert asked_again(changed) != again


@pytest.mark.parametrize(
    "change",
    [
        account_updated("two@x.vn", version=2, holder_name="Trần Khác"),
        account_updated("three@x.vn", version=3, holder_name="Trần Khác", in_poc=True),
        account_updated("three@x.vn", version=3, holder_name="Trần Khác", credit_balance=0, vng_customer=True),
        confirmed(UUID(int=7)),
    ],
    ids=["account changed", "condition fails", "decided by the policy", "another case"],
)
async def test_what_would_look_different_counts_as_changed(approver: Service, browse: Browse, change: object) -> None:
    await three_cases(approver)
    await hears(approver, account_updated("three@x.vn", version=2, holder_name="Trần Khác"))
    hoa = browse(HOA)
    again = asked_again(await hoa.get("/cases"))
    assert "The queue has changed." not in (await hoa.get(again)).text
    await hears(approver, change)
    assert "The queue has changed." in (await hoa.get(again)).text


def asked_again(page: httpx2.Response) -> str:
    """Where an open page asks for its news."""
    [address] = re.findall(r'data-hx-get="([^"]*)"', page.text)
    return unescape(address)


async def test_news_of_the_queue_are_for_staff(browse: Browse) -> None:
    stream = {"accept": "text/event-stream"}
    assert (await browse(None).get("/cases/changes", headers=stream)).status_code == 401
    assert (await browse(PARTNER).get("/cases/changes", headers=stream)).status_code == 403
