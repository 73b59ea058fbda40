"""A partner's lists on a real PostgreSQL: each row once, in order, whatever is asked and however rows are equal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from services.portal import lists, store
from services.portal.domain import Decided, Registration, Status
from services.portal.lists import NEWEST_FIRST, Order, Place, Sort, Wanted
from services.portal.pages import listing
from services.portal.store import mark_of
from shared.database import Database, Transaction
from shared.searching import folded, query
from tests.services.portal.conftest import Browse
from tests.services.portal.facts import START, requested

NAMES = [
    None,
    "An",
    "An Bình",
    "Nguyễn Văn An",
    "NGUYEN thi b",
    "Đặng Ân",
    "  x'\\&|!:*()<->",
    "안녕",
    "ﷺ" * 200,
    "Zoë",
]
EMAILS = [None, "an@a.example", "nguyen.an@a.example", "z+dang@b.example", "an@đặng.example"]
ORDERS = [Order(sort, down) for sort in Sort for down in (False, True)]
FILTERS = [
    (None, None),
    (Status.EXPIRED, None),
    (None, "nguyễn"),
    (None, "AN"),
    (None, "a.exam"),
    (Status.EXPIRED, "an b"),
    (None, "nobody"),
]


def some_rows(seed: int, partner_id: str = "p-1", count: int = 170) -> list[Registration]:
    """Few values, so that many are equal."""
    random = Random(seed)
    return [
        Registration(
            UUID(int=random.getrandbits(128)),
            partner_id,
            random.choice([*Status, *[Status.EXPIRED] * 9]),
            START + timedelta(microseconds=random.randrange(3)),
            START + timedelta(days=random.randrange(3)),
            customer_email=random.choice(EMAILS),
            common_name=random.choice(NAMES),
        )
        for _ in range(count)
    ]


async def keep(database: Database, *rows: Registration) -> None:
    async with database.transaction() as tx:
        made = {row.registration_id: row for row in rows}
        known = await store.lock(tx, made)
        await store.save(tx, Decided(changed=made), known)


def asked(order: Order = NEWEST_FIRST, status: Status | None = None, typed: str | None = None) -> Wanted:
    return Wanted("p-1", order, status, query(typed, mark_of("p-1")) if typed else None)


def expected(rows: list[Registration], order: Order, status: Status | None, typed: str | None) -> list[UUID]:
    def fits(it: Registration) -> bool:
        words = it.search_text.split()
        *whole, last = folded(typed or "").split() or [""]
        found = not last or (set(whole) <= set(words) and any(word.startswith(last) for word in words))
        return found and status in {None, it.status}

    fitting = sorted(
        filter(fits, rows),
        key=lambda it: (lists.place_of(it, order.sort).value, it.registration_id),
        reverse=order.descending,
    )
    return [it.registration_id for it in fitting]


async def pages(database: Database, wanted: Wanted, *, backwards: bool = False) -> list[list[UUID]]:
    found: list[list[UUID]] = []
    place: Place | None = None
    while True:
        async with database.transaction() as tx:
            page = await lists.page(tx, wanted, **{"before" if backwards else "after": place})
        found.append([it.registration_id for it in page.rows])
        place = page.before if backwards else page.after
        if place is None:
            return found


@contextmanager
def walking(far: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    statements = (lists._walk, lists._beyond, lists._among_newest, lists._chunk)
    monkeypatch.setattr(lists, "WALKED", far)
    monkeypatch.setattr(lists, "CHUNK", far)
    for statement in statements:
        statement.cache_clear()
    yield
    for statement in statements:
        statement.cache_clear()


@pytest.fixture(params=[5_000, 7], ids=["walks", "asks the index"])
def walked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """How far a search walks: far enough for all, or for little, as among very many rows."""
    with walking(request.param, monkeypatch):
        yield


async def test_each_row_is_on_one_page_in_order_whatever_is_asked(database: Database, walked: None) -> None:
    rows = some_rows(1)
    await keep(database, *rows, *some_rows(2, "p-2"))
    for order in ORDERS:
        for status, typed in FILTERS:
            found = await pages(database, asked(order, status, typed))
            assert [it for page in found for it in page] == expected(rows, order, status, typed), (order, status, typed)
            assert all(len(page) == lists.ROWS for page in found[:-1])


async def test_a_search_that_finds_more_than_is_sorted_says_so_and_shows_some_in_order(
    database: Database, browse: Browse, walked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = some_rows(3)
    await keep(database, *rows)
    monkeypatch.setattr(lists, "MOST_SORTED", 60)
    lists._by_words.cache_clear()
    said = "So many customers were found"
    for typed, many in (("exam", True), ("an exam", True), ("zoe", False)):
        order = Order(Sort.NAME, descending=False)
        all_found = expected(rows, order, None, typed)
        async with database.transaction() as tx:
            page = await lists.page(tx, asked(order, None, typed))
        everything_was_walked = len(rows) <= lists.WALKED
        assert page.is_partial is (many and not everything_was_walked)
        assert [it.registration_id for it in page.rows] == sorted(
            (it.registration_id for it in page.rows), key=all_found.index
        )
        assert len(page.rows) == min(lists.ROWS, len(all_found))
        assert (said in (await browse().get(f"/accounts?sort=name&q={typed}")).text) is page.is_partial
    lists._by_words.cache_clear()


async def test_a_common_word_far_down_the_order_is_looked_for_among_the_newest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["Anh"] * 100 + ["Zoë"] * 180
    rows = [
        row._replace(common_name=f"{name} {n}", requested_at=START + timedelta(minutes=n))
        for n, (row, name) in enumerate(zip(some_rows(5, count=len(names)), names, strict=True))
    ]
    await keep(database, *rows)
    by_name = Order(Sort.NAME, descending=False)
    with walking(90, monkeypatch):
        found: list[UUID] = []
        place: Place | None = None
        for size, is_partial in ((50, True), (40, False)):  # behind the first page a walk reaches all there is
            async with database.transaction() as tx:
                page = await lists.page(tx, asked(by_name, None, "zoe"), after=place)
            assert (len(page.rows), page.is_partial) == (size, is_partial)
            found += [it.registration_id for it in page.rows]
            place = page.after
    assert place is None
    assert found == expected(rows[-90:], by_name, None, "zoe")


async def test_the_way_back_leads_over_the_same_rows(database: Database) -> None:
    rows = some_rows(3)
    await keep(database, *rows)
    for order in ORDERS:
        wanted = expected(rows, order, None, None)
        async with database.transaction() as tx:
            first = await lists.page(tx, asked(order))
            assert first.before is None and first.after
            second = await lists.page(tx, asked(order), after=first.after)
            assert second.after
            third = await lists.page(tx, asked(order), after=second.after)
            back = await lists.page(tx, asked(order), before=third.before)
            start = await lists.page(tx, asked(order), before=back.before)
        assert [it.registration_id for it in back.rows] == wanted[50:100]
        assert (back.before, back.after) == (second.before, second.after)
        assert start == first


async def test_rows_that_move_while_one_pages_take_no_other_with_them(database: Database) -> None:
    rows = some_rows(4)
    await keep(database, *rows)
    for descending in (True, False):
        order = Order(Sort.CHANGED, descending)
        async with database.transaction() as tx:
            first = await lists.page(tx, asked(order))
        assert first.after
        shown = {it.registration_id for it in first.rows}
        last = first.rows[-1]
        moved = last._replace(changed_at=START + timedelta(days=-1 if descending else 9))
        await keep(database, moved)
        async with database.transaction() as tx:
            second = await lists.page(tx, asked(order), after=first.after)
        still = [it for it in expected(rows, order, None, None) if it not in shown]
        assert [it.registration_id for it in second.rows if it != moved] == still[: len(second.rows)]
        await keep(database, last)


async def test_an_export_reads_each_row_once(database: Database, walked: None) -> None:
    rows = some_rows(5)
    await keep(database, *rows, *some_rows(6, "p-2"))
    for order in ORDERS:
        for status, typed in FILTERS:
            found: list[UUID] = []
            place: Place | None = None
            while True:
                async with database.transaction() as tx:
                    chunk, place = await lists.chunk(tx, asked(order, status, typed), place)
                found += [it.registration_id for it in chunk]
                if place is None:
                    break
            assert found == expected(rows, order, status, typed)


async def test_the_longest_names_of_the_oddest_letters_are_kept_and_found(database: Database) -> None:
    letters = Random(1).choices("ﷺ" + "".join(map(chr, range(0x3300, 0x3358))), k=200)  # each is several
    name, email = "".join(letters), f"{'a' * 60}@{'.'.join(['b' * 60] * 3)}.example"
    odd = requested(common_name=name, customer_email=email, partner_id="Đ" * 100)
    async with database.transaction() as tx:
        assert await store.request(tx, [odd])
    async with database.transaction() as tx:
        wanted = Wanted(odd.partner_id, query=query("bbb", mark_of(odd.partner_id)))
        assert [it.common_name for it in (await lists.page(tx, wanted)).rows] == [name]


async def test_a_row_that_moves_while_a_page_is_read_does_not_move_the_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = some_rows(4)
    await keep(database, *rows)
    wanted = asked(Order(Sort.CHANGED, descending=True))
    order = expected(rows, wanted.order, None, None)
    last = next(row for row in rows if row.registration_id == order[lists.ROWS - 1])
    read = lists._rows

    async def read_after_a_move(tx: Transaction, ids: Sequence[UUID]) -> list[Registration]:
        await keep(database, last._replace(changed_at=last.changed_at - timedelta(days=5)))
        return await read(tx, ids)

    monkeypatch.setattr(lists, "_rows", read_after_a_move)
    async with database.transaction() as tx:
        first = await lists.page(tx, wanted)
    assert first.after and first.after.value == last.changed_at


@pytest.mark.parametrize("typed", ["@@", "'", " - "])
def test_signs_alone_search_for_nothing_and_the_page_does_not_say_they_were_searched(typed: str) -> None:
    assert (listing.read({"q": typed}).q, listing.read({"q": f"{typed} an"}).q) == ("", " ".join(f"{typed} an".split()))


async def test_what_a_form_added_is_listed_as_it_stood_there(database: Database) -> None:
    batch_id = UUID(int=7)
    ids = [UUID(int=n) for n in (5, 3, 9, 1)]
    async with database.transaction() as tx:
        await store.request(tx, [requested(one, batch_id=batch_id) for one in ids[:3]])
        await store.request(tx, [requested(one, batch_id=batch_id) for one in ids[3:]])  # corrected, and sent again
        await store.request(tx, [requested(UUID(int=2), batch_id=UUID(int=8)), requested(UUID(int=4))])
    async with database.transaction() as tx:
        assert [it.registration_id for it in await lists.batch(tx, batch_id, "p-1")] == ids
        assert await lists.batch(tx, batch_id, "p-2") == []
