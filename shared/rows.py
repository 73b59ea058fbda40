"""Rows read into values: columns are selected in the order of a named tuple's fields, and go into it as they stand."""

from collections.abc import Callable
from enum import EnumType
from typing import Any, TypeVar

from sqlalchemy import Column, Table

T = TypeVar("T", bound=tuple[Any, ...])


def columns_of(table: Table, kind: type[tuple[Any, ...]]) -> list[Column[Any]]:
    """What `reader` reads."""
    return [table.c[name] for name in fields_of(kind)]


def reader(kind: type[T], **made: Callable[[Any], Any]) -> Callable[[Any], T]:
    """Makes one `kind`, a NamedTuple, of a row that begins with `columns_of`. `made` says of a column what its value
    becomes; none stays none."""
    names = fields_of(kind)
    places = [(names.index(name), _quick(make)) for name, make in made.items()]
    whole: Callable[[Any], T] = kind._make  # type: ignore[attr-defined]  # of a NamedTuple, which no bound can say

    def read(row: Any) -> T:
        values = list(row[: len(names)])
        for place, make in places:
            if values[place] is not None:
                values[place] = make(values[place])
        return whole(values)

    return read


def _quick(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """To call an enumeration costs several times as much as to look its member up."""
    if not isinstance(make, EnumType):
        return make
    members = {it.value: it for it in list[Any](make)}
    return lambda value: members.get(value) or make(value)


def fields_of(kind: type[tuple[Any, ...]]) -> tuple[str, ...]:
    """Of a NamedTuple."""
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]  # of a NamedTuple, which no bound can say
    return names
