"""New rows of several tables, in their order: few in one statement, each column a list that PostgreSQL reads beside the
others; many by COPY, which takes two round trips for each table and less for each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import ARRAY, Column, Table, Text
from sqlalchemy.dialects.postgresql.base import PGDialect

from shared.sets import APART, one_each

FEW = 64
"""Rows of one table up to which one statement for all is quicker than COPY."""

_DIALECT = PGDialect()  # type: ignore[no-untyped-call]


@dataclass(slots=True)
class Insert:
    """A row is an object with an attribute for each column that the database does not number or compute itself.
    `known_stay`: a row whose key is there already is left out."""

    table: Table
    rows: list[object]
    known_stay: bool

    @property
    def by_copy(self) -> bool:
        return len(self.rows) > FEW and not self.known_stay


async def write(driver: Any, inserts: Sequence[Insert], channel: str, topics: Sequence[str]) -> None:
    """Within the transaction of asyncpg's connection `driver`. Once it commits, who listens to `channel` is told of
    `topics`. Raises asyncpg's `UniqueViolationError` where a key exists that may not."""
    together: list[Insert] = []
    for it in inserts:
        if it.by_copy:
            await _write_together(driver, together, channel, ())
            together = []
            await _copy(driver, it)
        else:
            together.append(it)
    await _write_together(driver, together, channel, topics)


async def _copy(driver: Any, it: Insert) -> None:
    names = [column.name for column in _columns(it.table)]
    await driver.copy_records_to_table(it.table.name, records=map(attrgetter(*names), it.rows), columns=names)


async def _write_together(driver: Any, inserts: Sequence[Insert], channel: str, topics: Sequence[str]) -> None:
    if inserts or topics:
        lists = [_list(column, it.rows) for it in inserts for column in _columns(it.table)]
        await driver.execute(_statement(tuple((it.table, it.known_stay) for it in inserts)), *lists, channel, topics)


@cache
def _columns(table: Table) -> list[Column[Any]]:
    return [it for it in table.columns if it.identity is None and it.computed is None]


def _list(column: Column[Any], rows: Sequence[object]) -> list[Any]:
    values = [getattr(row, column.name) for row in rows]
    return one_each(values) if isinstance(column.type, ARRAY) else values


@cache
def _statement(tables: tuple[tuple[Table, bool], ...]) -> str:
    """A service has few combinations of tables. PostgreSQL carries out what stands in WITH in any order, unless one
    reads what another answers: each waits for the one before, so all who write the same keys meet them in one order."""
    inserts, first = [], 1
    for number, (table, known_stay) in enumerate(tables):
        after = f" where (select count(*) from insert_{number - 1}) >= 0" if number else ""  # noqa: S608
        conflict = " on conflict do nothing" if known_stay else ""
        inserts.append(f"insert_{number} as ({_insert(table, first)}{after}{conflict} returning 1)")
        first += len(_columns(table))
    told = f"select pg_notify(${first}, topic) from unnest(${first + 1}::text[]) as topic"  # noqa: S608
    return f"with {', '.join(inserts)} {told}" if inserts else told


def _insert(table: Table, first: int) -> str:
    """The names are our own: no text of anybody else's is a part of the statement."""
    columns = _columns(table)
    names = ", ".join(f'"{it.name}"' for it in columns)
    values = ", ".join(_value(it) for it in columns)
    lists = ", ".join(f"${place}::{_kind(it)}[]" for place, it in enumerate(columns, first))
    return f'insert into "{table.name}" ({names}) select {values} from unnest({lists}) as new ({names})'  # noqa: S608


def _kind(column: Column[Any]) -> str:
    """A list of texts is one text here, as lists of lists must be of one length (see `sets`)."""
    return "text" if isinstance(column.type, Text | ARRAY) else column.type.compile(dialect=_DIALECT)


def _value(column: Column[Any]) -> str:
    return f"string_to_array(\"{column.name}\", '{APART}')" if isinstance(column.type, ARRAY) else f'"{column.name}"'
