"""A partner's registrations as lists: sorted, filtered, searched, page by page. Only reading.

A page begins behind a place in the order: a row's value and id as they were when it was shown. Rows of equal value keep
apart by their ids, and a row that moves meanwhile takes no other with it.

What is searched may be looked for in three ways. A walk along the order finds soon what is common and scattered. What
is common and lies together in the order is looked for among the newest rows instead, and the page says that it shows
only some: the index of words would collect all of its rows before it gives the first. What is rare that index finds.
Indexes are read one status at a time and merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from services.portal.domain import Registration, Status
from services.portal.store import EMAIL_OR_EMPTY, READ, r, registration
from shared.database import Reading, Transaction
from shared.searching import whole_words
from shared.stores import history, listed

ROWS = 50
WALKED = 2_500  # rows, about 5 ms
MOST_SORTED = 2_000  # rows that the index of words finds, about 20 ms
CHUNK = 500  # rows of an export: others wait no longer than for a page


class Sort(StrEnum):
    REGISTERED = "registered"
    CHANGED = "changed"
    NAME = "name"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Order:
    sort: Sort
    descending: bool


NEWEST_FIRST = Order(Sort.REGISTERED, descending=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stood in an order."""

    value: datetime | str
    registration_id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """`query` is made by `shared.searching` with the partner's mark. None: whatever it is."""

    partner_id: str
    order: Order = NEWEST_FIRST
    status: Status | None = None
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`before` and `after` are where the pages beside it begin, if there are any. `is_partial`: so much was found that
    the rows are the first of some of it, not of all."""

    rows: list[Registration]
    before: Place | None
    after: Place | None
    is_partial: bool = False


def place_of(it: Registration, sort: Sort) -> Place:
    match sort:
        case Sort.REGISTERED:
            return Place(it.requested_at, it.registration_id)
        case Sort.CHANGED:
            return Place(it.changed_at, it.registration_id)
        case Sort.NAME:
            return Place(it.search_text, it.registration_id)
        case Sort.EMAIL:
            return Place(it.customer_email or "", it.registration_id)


_KEYS: dict[Sort, ColumnElement[Any]] = {
    Sort.REGISTERED: r.requested_at,
    Sort.CHANGED: r.changed_at,
    Sort.NAME: r.search_text,
    Sort.EMAIL: EMAIL_OR_EMPTY,
}
_OF_PARTNER = r.partner_id == bindparam("partner_id")
_FOUND = r.words.bool_op("@@")(cast(bindparam("query"), TSQUERY))
_BY_THE_VALUES = text("set local plan_cache_mode = force_custom_plan")  # how rare a word is decides on the plan
_BY_INDEX_OF_WORDS = text(
    "select set_config(name, 'off', true) from (values ('enable_indexscan'), ('enable_seqscan')) as plans(name)"
)
"""From the limit the planner hopes to meet the words soon by the way; where they clump, it would read all others."""
_ROWS = READ.where(r.registration_id == any_(listed("ids", Uuid())))
_BATCH = (
    READ.join(history, and_(history.c.registration_id == r.registration_id, history.c.note == ""))
    .where(r.batch_id == bindparam("batch_id"), _OF_PARTNER, history.c.version == 1)
    .order_by(history.c.id)  # as they stood in the form
)


def _literal(value: Status | int) -> ColumnElement[Any]:
    """Written out: which plan is right depends on it."""
    return literal_column(f"'{value}'" if isinstance(value, Status) else str(value))


def _behind(order: Order, key: ColumnElement[Any], number: ColumnElement[Any]) -> ColumnElement[bool]:
    row, place = tuple_(key, number), tuple_(bindparam("value", type_=key.type), bindparam("id", type_=Uuid()))
    return row < place if order.descending else row > place


def _ordered(order: Order, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [column.desc() if order.descending else column.asc() for column in columns]


def _first_of(
    order: Order, status: Status | None, most: int, *, placed: bool, searched: bool, sort: Sort | None = None
) -> Select[Any]:
    """The first `most` rows of the order (ids, keys, whether each has the words, and what they are sorted by under
    `sort`): a merge of what each index has."""
    key, found = _KEYS[order.sort], _FOUND if searched else true()
    more = [_KEYS[sort].label("sorted_by")] if sort else []
    behind = [_behind(order, key, r.registration_id)] if placed else []
    parts = [
        select(r.registration_id, key.label("key"), found.label("found"), *more)
        .where(_OF_PARTNER, r.status == _literal(one), *behind)
        .order_by(*_ordered(order, key, r.registration_id))
        .limit(_literal(most))
        for one in ([status] if status else Status)
    ]
    merged = union_all(*(part.subquery().select() for part in parts)).subquery()
    return select(merged).order_by(*_ordered(order, merged.c.key, merged.c.registration_id)).limit(_literal(most))


@cache
def _first(order: Order, status: Status | None, *, placed: bool) -> Select[Any]:
    return _first_of(order, status, ROWS + 1, placed=placed, searched=False)


@cache
def _walk(order: Order, status: Status | None, *, placed: bool) -> Select[Any]:
    walk = _first_of(order, status, WALKED, placed=placed, searched=True).subquery()
    ids = select(walk).where(walk.c.found)
    return ids.order_by(*_ordered(order, walk.c.key, walk.c.registration_id)).limit(_literal(ROWS + 1))


@cache
def _beyond(order: Order, status: Status | None, *, placed: bool) -> Select[Any]:
    """A row that the walk did not reach, if there is one."""
    walk = _first_of(order, status, WALKED + 1, placed=placed, searched=False)
    return walk.limit(_literal(1)).offset(_literal(WALKED))


@cache
def _among_newest(order: Order, status: Status | None, *, placed: bool) -> Select[Any]:
    """`many`: how many of the newest rows have the words, wherever they stand in the order."""
    newest = _first_of(NEWEST_FIRST, status, WALKED, placed=False, searched=True, sort=order.sort).subquery()
    found = select(newest, func.count().over().label("many")).where(newest.c.found).subquery()
    key, number = found.c.sorted_by, found.c.registration_id
    page = select(number, found.c.many).where(*([_behind(order, key, number)] if placed else []))
    return page.order_by(*_ordered(order, key, number)).limit(_literal(ROWS + 1))


@cache
def _by_words(order: Order, status: Status | None, *, placed: bool) -> Select[Any]:
    filters = [_OF_PARTNER, _FOUND, *([r.status == _literal(status)] if status else [])]
    key = _KEYS[order.sort]
    filters += [_behind(order, key, r.registration_id)] if placed else []
    words = select(r.registration_id, key.label("key")).where(*filters)
    found = words.limit(_literal(MOST_SORTED)).subquery()
    first = select(found, (func.count().over() == _literal(MOST_SORTED)).label("is_partial"))
    return first.order_by(*_ordered(order, found.c.key, found.c.registration_id)).limit(_literal(ROWS + 1))


@cache
def _chunk(order: Order, status: Status | None, *, placed: bool, searched: bool) -> Select[Any]:
    return _first_of(order, status, CHUNK, placed=placed, searched=searched)


_ONE_MOMENT = text("set transaction isolation level repeatable read")
"""The ids of a page and its rows are read by two statements: a row that moves between them must not move the page."""


async def page(tx: Transaction, wanted: Wanted, *, after: Place | None = None, before: Place | None = None) -> Page:
    """The rows behind `after`, or those that stand before `before`; the first ones where there are none. The first
    statement of its transaction.
    """
    await tx.execute(_ONE_MOMENT)
    if before:
        found = await _find(tx, replace(wanted, order=_reverse(wanted.order)), before)
        if len(found.ids) > ROWS:
            return await _page(
                tx, wanted, replace(found, ids=found.ids[ROWS - 1 :: -1]), has_before=True, has_after=True
            )
    elif after and (found := await _find(tx, wanted, after)).ids:
        return await _page(tx, wanted, found, has_before=True, has_after=len(found.ids) > ROWS)
    found = await _find(tx, wanted, None)
    return await _page(tx, wanted, found, has_before=False, has_after=len(found.ids) > ROWS)


def _reverse(order: Order) -> Order:
    return replace(order, descending=not order.descending)


@dataclass(frozen=True, slots=True)
class _Found:
    """Up to one more than a page shows, in order."""

    ids: list[UUID]
    is_partial: bool = False


async def _page(tx: Transaction, wanted: Wanted, found: _Found, *, has_before: bool, has_after: bool) -> Page:
    sort, rows = wanted.order.sort, await _rows(tx, found.ids[:ROWS])
    return Page(
        rows,
        place_of(rows[0], sort) if has_before else None,
        place_of(rows[-1], sort) if has_after else None,
        found.is_partial,
    )


async def _find(tx: Transaction, wanted: Wanted, place: Place | None) -> _Found:
    about = {"order": wanted.order, "status": wanted.status, "placed": place is not None}
    values = _values(wanted, place)
    if wanted.query is None:
        return _Found(await _ids(tx, _first(**about), values))
    await tx.execute(_BY_THE_VALUES)
    near = await _ids(tx, _walk(**about), values)
    if len(near) > ROWS or not await _ids(tx, _beyond(**about), values):
        return _Found(near)
    if wanted.order.sort is not Sort.REGISTERED:  # there the walk has been among the newest, or as good as they
        newest = (await tx.execute(_among_newest(**about), values)).all()
        if newest and newest[0].many > ROWS:
            return _Found([row.registration_id for row in newest], is_partial=True)
    await tx.execute(_BY_INDEX_OF_WORDS)
    for query in (whole_words(wanted.query), wanted.query):
        rows = (await tx.execute(_by_words(**about), values | {"query": query})).all()
        if rows and rows[0].is_partial:
            break
    return _Found([row.registration_id for row in rows], bool(rows) and rows[0].is_partial)


def _values(wanted: Wanted, place: Place | None) -> dict[str, Any]:
    values: dict[str, Any] = {"partner_id": wanted.partner_id}
    if wanted.query is not None:
        values["query"] = wanted.query
    return values | ({"value": place.value, "id": place.registration_id} if place else {})


async def _ids(tx: Transaction, statement: Select[Any], values: dict[str, Any]) -> list[UUID]:
    return list((await tx.execute(statement, values)).scalars())


async def _rows(tx: Transaction, ids: Sequence[UUID]) -> list[Registration]:
    found = {row.registration_id: registration(row) for row in await tx.execute(_ROWS, {"ids": ids})} if ids else {}
    return [found[it] for it in ids if it in found]


async def chunk(tx: Transaction, wanted: Wanted, place: Place | None) -> tuple[list[Registration], Place | None]:
    """Some of the rows behind `place`, and where to go on; nowhere once all were read."""
    statement = _chunk(wanted.order, wanted.status, placed=place is not None, searched=wanted.query is not None)
    if wanted.query is not None:
        await tx.execute(_BY_THE_VALUES)
    walked = (await tx.execute(statement, _values(wanted, place))).all()
    rows = await _rows(tx, [it.registration_id for it in walked if it.found])
    return rows, Place(walked[-1].key, walked[-1].registration_id) if len(walked) == CHUNK else None


async def batch(tx: Reading, batch_id: UUID, partner_id: str) -> list[Registration]:
    """What was added with one form, in its order."""
    rows = await tx.execute(_BATCH, {"batch_id": batch_id, "partner_id": partner_id})
    return [registration(row) for row in rows]
