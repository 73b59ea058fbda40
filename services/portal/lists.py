"""A partner's registrations as lists: sorted, filtered, searched, page by page. Only reading.

A page begins behind a place in the order: a row's value and id as they were when it was shown. Rows of equal value keep
apart by their ids, and a row that moves meanwhile takes no other with it.

What is searched may be looked for twice. A walk along the order finds soon what is common; where it does not, little
is left to find, and the index of words finds all of it. Indexes are read one status at a time and merged.
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
    literal_column,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from services.portal.domain import Registration, Status
from services.portal.store import EMAIL_OR_EMPTY, READ, r, registration, search_text
from shared.database import Transaction
from shared.stores import history, listed

ROWS = 50
WALKED = 5_000  # rows, about 10 ms
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
    """`before` and `after` are where the pages beside it begin, if there are any."""

    rows: list[Registration]
    before: Place | None
    after: Place | None


def place_of(it: Registration, sort: Sort) -> Place:
    match sort:
        case Sort.REGISTERED:
            return Place(it.requested_at, it.registration_id)
        case Sort.CHANGED:
            return Place(it.changed_at, it.registration_id)
        case Sort.NAME:
            return Place(search_text(it), it.registration_id)
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
_ROWS = READ.where(r.registration_id == any_(listed("ids", Uuid())))
_BATCH = (
    READ.join(history, and_(history.c.registration_id == r.registration_id, history.c.note == ""))
    .where(r.batch_id == bindparam("batch_id"), _OF_PARTNER, history.c.version == 1)
    .order_by(history.c.id)  # as they stood in the form
)


def _literal(value: Status | int) -> ColumnElement[Any]:
    """Written out: which plan is right depends on it."""
    return literal_column(f"'{value}'" if isinstance(value, Status) else str(value))


def _behind(order: Order) -> ColumnElement[bool]:
    key = _KEYS[order.sort]
    row, place = (
        tuple_(key, r.registration_id),
        tuple_(bindparam("value", type_=key.type), bindparam("id", type_=Uuid())),
    )
    return row < place if order.descending else row > place


def _ordered(order: Order, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [column.desc() if order.descending else column.asc() for column in columns]


def _first_of(order: Order, status: Status | None, most: int, *, placed: bool, searched: bool) -> Select[Any]:
    """The first `most` rows of the order (ids, keys, whether each has the words): a merge of what each index has."""
    key, found = _KEYS[order.sort], _FOUND if searched else true()
    parts = [
        select(r.registration_id, key.label("key"), found.label("found"))
        .where(_OF_PARTNER, r.status == _literal(one), *([_behind(order)] if placed else []))
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
def _by_words(order: Order, status: Status | None, *, placed: bool) -> Select[Any]:
    filters = [_OF_PARTNER, _FOUND, *([r.status == _literal(status)] if status else [])]
    filters += [_behind(order)] if placed else []
    # The offset keeps it apart: else the order and the limit could make PostgreSQL walk again.
    words = select(r.registration_id, _KEYS[order.sort].label("key")).where(*filters)
    found = words.offset(_literal(0)).subquery()
    return select(found).order_by(*_ordered(order, found.c.key, found.c.registration_id)).limit(_literal(ROWS + 1))


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
        rows = await _some(tx, replace(wanted, order=_reverse(wanted.order)), before)
        if len(rows) > ROWS:
            return _page(wanted, rows[ROWS - 1 :: -1], has_before=True, has_after=True)
    elif after and (rows := await _some(tx, wanted, after)):
        return _page(wanted, rows[:ROWS], has_before=True, has_after=len(rows) > ROWS)
    rows = await _some(tx, wanted, None)
    return _page(wanted, rows[:ROWS], has_before=False, has_after=len(rows) > ROWS)


def _reverse(order: Order) -> Order:
    return replace(order, descending=not order.descending)


def _page(wanted: Wanted, rows: list[Registration], *, has_before: bool, has_after: bool) -> Page:
    sort = wanted.order.sort
    return Page(rows, place_of(rows[0], sort) if has_before else None, place_of(rows[-1], sort) if has_after else None)


async def _some(tx: Transaction, wanted: Wanted, place: Place | None) -> list[Registration]:
    """Up to one row more than a page shows, in order."""
    about = {"order": wanted.order, "status": wanted.status, "placed": place is not None}
    values = _values(wanted, place)
    if wanted.query is None:
        return await _rows(tx, await _ids(tx, _first(**about), values))
    await tx.execute(_BY_THE_VALUES)
    ids = await _ids(tx, _walk(**about), values)
    if len(ids) <= ROWS and await _ids(tx, _beyond(**about), values):
        ids = await _ids(tx, _by_words(**about), values)
    return await _rows(tx, ids)


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


async def batch(tx: Transaction, batch_id: UUID, partner_id: str) -> list[Registration]:
    """What was added with one form, in its order."""
    rows = await tx.execute(_BATCH, {"batch_id": batch_id, "partner_id": partner_id})
    return [registration(row) for row in rows]
