"""The statements of the queue, one for each view and way to go, made once.

Conditions and limits are written out: the planner uses a partial index only where it can see its condition, and with a
parameter for a limit it reckons with a tenth of all rows.

A search goes two ways, as a word may be anything from common to rare, and the planner guesses badly at beginnings of
words. Among the NEAR cases that come first in the view a common word fills a page. Where it does not, what it finds is
taken from the index of words and sorted, up to MOST_SORTED cases: a common word whose cases all lie beyond the NEAR
first shows some of them only, and the page says so (docs/decisions/0015).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Label,
    Select,
    Subquery,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.selectable import CTE

from services.approver.store import (
    CASE_COLUMNS,
    CLAIMED_SQL,
    CURRENT_CUSTOMERS_SQL,
    OPEN_SQL,
    OVER_SINCE_SQL,
    OVER_SQL,
    c,
)

PAGE = 50
MOST_COUNTED = 1_000
NEAR = 2_500  # cases, about 5 ms
MOST_SORTED = 2_000  # cases that the index of words finds, about 20 ms


class View(StrEnum):
    ALL = "all"
    MINE = "mine"
    UNCLAIMED = "unclaimed"
    DUE = "due"
    """Overdue, or due until the next business day begins."""
    CURRENT_CUSTOMERS = "current-customers"
    DECIDED = "decided"
    """Over, whoever ended it."""


Way = bool | None
"""Whether a page lies before a key (True) or after it (False); None: it is the first of its view."""

_MOMENT = DateTime(timezone=True)
_NOW = bindparam("now", type_=_MOMENT)
_KEY = tuple_(bindparam("key_at", type_=_MOMENT), bindparam("key_id", type_=Uuid()))
_QUERY = cast(bindparam("query", type_=Text()), TSQUERY)
_OVER_SINCE: ColumnElement[datetime] = literal_column(OVER_SINCE_SQL, _MOMENT)


def _holds(sql: str) -> ColumnElement[bool]:
    return literal_column(sql, Boolean())


_CONDITIONS: Mapping[View, Sequence[ColumnElement[bool]]] = {
    View.ALL: [_holds(OPEN_SQL)],
    View.MINE: [_holds(CLAIMED_SQL), c.claimed_by == bindparam("email", type_=Text()), c.claimed_until > _NOW],
    View.UNCLAIMED: [_holds(OPEN_SQL), or_(c.claimed_until.is_(None), c.claimed_until <= _NOW)],
    View.DUE: [_holds(OPEN_SQL), c.due_at <= bindparam("due_until", type_=_MOMENT)],
    View.CURRENT_CUSTOMERS: [_holds(CURRENT_CUSTOMERS_SQL)],
    View.DECIDED: [_holds(OVER_SQL)],
}
COUNTED = tuple(view for view in View if view is not View.DECIDED)


def _at(view: View) -> ColumnElement[datetime]:
    return _OVER_SINCE if view is View.DECIDED else c.due_at


def _falling(view: View, way: Way) -> bool:
    return (way is True) != (view is View.DECIDED)


def _all(view: View, way: Way) -> Select[Any]:
    """The cases of `view` beyond the key."""
    found = select(*CASE_COLUMNS, c.words, _at(view).label("at")).where(*_CONDITIONS[view])
    if way is None:
        return found
    key = tuple_(_at(view), c.registration_id)
    return found.where(key < _KEY if _falling(view, way) else key > _KEY)


def _order(view: View, way: Way, at: ColumnElement[Any], number: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [at.desc(), number.desc()] if _falling(view, way) else [at, number]


def _first(view: View, way: Way, most: int) -> Select[Any]:
    """The first of the view, or the nearest to the key."""
    return _all(view, way).order_by(*_order(view, way, _at(view), c.registration_id)).limit(_written(most))


def _page_of(rows: Subquery | CTE, view: View, way: Way) -> Select[Any]:
    columns = [rows.c[column.name] for column in CASE_COLUMNS]
    page = select(*columns).order_by(*_order(view, way, rows.c.at, rows.c.registration_id))
    return page.limit(_written(PAGE + 1))


def _page(view: View, way: Way) -> Select[Any]:
    return _first(view, way, PAGE + 1).with_only_columns(*CASE_COLUMNS)


def _found_near(view: View, way: Way) -> Select[Any]:
    near = _first(view, way, NEAR).subquery("near")
    return _page_of(near, view, way).where(near.c.words.op("@@")(_QUERY))


def _are_more_than_near(view: View, way: Way) -> Select[Any]:
    return _first(view, way, 1).offset(_written(NEAR)).with_only_columns(c.registration_id)


def _found(view: View, way: Way) -> Select[Any]:
    """`is_partial`: there are more than are sorted."""
    found = _all(view, way).where(c.words.op("@@")(_QUERY)).limit(_written(MOST_SORTED)).subquery("found")
    return _page_of(found, view, way).add_columns((func.count().over() == _written(MOST_SORTED)).label("is_partial"))


def _count(view: View) -> Label[int]:
    """The order keeps the planner on the index: the first open case in the table may be its last row."""
    counted = _first(view, None, MOST_COUNTED + 1).with_only_columns(c.registration_id).subquery()
    return select(func.count()).select_from(counted).scalar_subquery().label(view.name)


def _written(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer())


_ways = list(product(View, (None, False, True)))
PAGES = {it: _page(*it) for it in _ways}
FOUND_NEAR = {it: _found_near(*it) for it in _ways}
ARE_MORE_THAN_NEAR = {it: _are_more_than_near(*it) for it in _ways}
FOUND = {it: _found(*it) for it in _ways}
COUNTS = select(*map(_count, COUNTED))
