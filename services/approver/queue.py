"""What staff see of many cases: the open ones, those due first first, in several views, and those that are over, newest
first.

A page is found by the key of the case before or after it, and a count stops at MOST_COUNTED: what either costs does not
grow with the cases stored. A claim whose time is over counts as none, whether or not its deadline has been acted on.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, text

from services.approver.domain import Case, Status
from services.approver.queue_statements import (
    ARE_MORE_THAN_NEAR,
    COUNTED,
    COUNTS,
    FOUND,
    FOUND_NEAR,
    PAGE,
    PAGES,
    View,
)
from services.approver.store import case_of
from shared.database import Transaction
from shared.searching import whole_words

_BY_INDEX_OF_WORDS = text(
    "select set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'off', true)"
)
"""From the limit the planner hopes to meet the words soon by the way; where they clump, it would read all others."""


@dataclass(frozen=True, slots=True)
class Key:
    """Where a case stands in its view: `at` is when it is due, or since when it is over."""

    at: datetime
    registration_id: UUID


@dataclass(frozen=True, slots=True)
class Beyond:
    """The page after the case at `key`, or the one `before` it."""

    key: Key
    before: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose view it is, and when; what is due is due until the next business day begins, `due_until`."""

    email: str
    now: datetime
    due_until: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """`previous` and `next`: where the neighbouring pages are, None where there is none. `is_partial`: so much was
    found that the cases are the first of some of it, not of all."""

    cases: list[Case]
    previous: Beyond | None = None
    next: Beyond | None = None
    is_partial: bool = False


async def page(
    tx: Transaction, view: View, reader: Reader, query: str | None = None, beyond: Beyond | None = None
) -> Page:
    """`query`: of `searching.query`. Where there is no page beyond any more, the first."""
    found, is_partial = await _read(tx, view, reader, query, beyond)
    cases, more = found[:PAGE], len(found) > PAGE
    if beyond and (not cases or (beyond.before and len(cases) < PAGE)):
        return await page(tx, view, reader, query)
    if beyond and beyond.before:
        cases.reverse()
        return Page(cases, _before(cases[0]) if more else None, Beyond(_key(cases[-1])), is_partial)
    return Page(cases, _before(cases[0]) if beyond else None, Beyond(_key(cases[-1])) if more else None, is_partial)


async def counts(tx: Transaction, reader: Reader) -> dict[View, int]:
    """Of each view that is counted; MOST_COUNTED + 1: more."""
    row = (await tx.execute(COUNTS, asdict(reader))).one()
    return dict(zip(COUNTED, row, strict=True))


async def _read(
    tx: Transaction, view: View, reader: Reader, query: str | None, beyond: Beyond | None
) -> tuple[list[Case], bool]:
    """Up to one case more than a page shows, and whether they are of some only."""
    values: dict[str, Any] = asdict(reader) | {"query": query}
    if beyond:
        values |= {"key_at": beyond.key.at, "key_id": beyond.key.registration_id}
    which = view, beyond.before if beyond else None
    if query is None:
        return await _cases(tx, PAGES[which], values), False
    near = await _cases(tx, FOUND_NEAR[which], values)
    if len(near) > PAGE or (await tx.execute(ARE_MORE_THAN_NEAR[which], values)).first() is None:
        return near, False
    await tx.execute(_BY_INDEX_OF_WORDS)
    for words in (whole_words(query), query):
        rows = (await tx.execute(FOUND[which], values | {"query": words})).all()
        if rows and rows[0].is_partial:
            break
    return [case_of(row) for row in rows], bool(rows) and rows[0].is_partial


async def _cases(tx: Transaction, statement: Select[Any], values: dict[str, Any]) -> list[Case]:
    return [case_of(row) for row in await tx.execute(statement, values)]


def _key(case: Case) -> Key:
    at = case.due_at if case.status is Status.OPEN else case.decided_at or case.final_at
    assert at
    return Key(at, case.registration_id)


def _before(case: Case) -> Beyond:
    return Beyond(_key(case), before=True)
