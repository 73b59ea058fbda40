"""Many rows in one statement: each column is one list, and PostgreSQL reads the lists side by side.

One round trip and one plan for a batch, where a list of parameters would be executed row by row.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, FromClause, Table, Text, Update, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.types import TypeEngine

APART = "\x1f"
"""Between the texts of one row's list, as lists of lists must be of one length. No event holds a text with it, nor an
empty one: control characters are refused on reading."""


def rows(*columns: Column[Any]) -> FromClause:
    """A table `new` with these columns; its parameters are those of `lists`."""
    given = [bindparam(f"new_{it.name}", type_=ARRAY(_element(it))) for it in columns]
    return func.unnest(*given).table_valued(*(it.name for it in columns), name="new").render_derived()


def lists(them: Sequence[object], names: Sequence[str]) -> dict[str, list[Any]]:
    """The parameters of `rows` for objects with these attributes. Raises ValueError as `one_each` does."""
    return {f"new_{name}": one_each([getattr(it, name) for it in them]) for name in names}


def update_many(table: Table, keys: Sequence[str], names: Sequence[str]) -> Update:
    """Sets the columns `names` of the rows that `keys` find. Parameters: `lists(them, (*keys, *names))`."""
    new = rows(*(table.c[name] for name in (*keys, *names)))
    return (
        update(table)
        .where(*(table.c[name] == new.c[name] for name in keys))
        .values({name: _value(new, table.c[name]) for name in names})
    )


def insert_many(table: Table, names: Sequence[str]) -> Insert:
    """To update what is known, or to answer: what `Transaction.insert` does not. Parameters: `lists(them, names)`."""
    new = rows(*(table.c[name] for name in names))
    return insert(table).from_select(names, select(*(_value(new, table.c[name]) for name in names)))


def _element(column: Column[Any]) -> TypeEngine[Any]:
    return Text() if isinstance(column.type, ARRAY) else column.type


def one_each(values: list[Any]) -> list[Any]:
    """Lists of texts as one text each; what is no list stays as it is. Raises ValueError as `_joined` does."""
    if _LISTS.isdisjoint(map(type, values)):
        return values
    return [_joined(it) if type(it) in _LISTS else it for it in values]


_LISTS = frozenset({list, tuple})


def _joined(texts: Sequence[str]) -> str:
    """Raises ValueError for what would be read back as another."""
    if any(not text or APART in text for text in texts):
        raise ValueError("a text in a list is empty or holds the character that stands between them")
    return APART.join(texts)


def _value(new: FromClause, column: Column[Any]) -> ColumnElement[Any]:
    value = new.c[column.name]
    return func.string_to_array(value, APART) if isinstance(column.type, ARRAY) else value
