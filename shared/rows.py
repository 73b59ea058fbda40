"""Rows read into values: columns are selected in the order of a dataclass's fields, and go into it as they stand."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Column, Table

T = TypeVar("T")


def columns_of(table: Table, kind: type[Any]) -> list[Column[Any]]:
    """What `reader` reads."""
    return [table.c[it.name] for it in fields(kind)]


def reader(kind: type[T], **made: Callable[[Any], Any]) -> Callable[[Any], T]:
    """Makes one `kind` of a row that begins with `columns_of`. `made` says of a column what its value becomes; none
    stays none."""
    names = [it.name for it in fields(kind)]  # type: ignore[arg-type]  # a dataclass, which a type variable cannot say
    places = [(names.index(name), make) for name, make in made.items()]

    def read(row: Any) -> T:
        values = list(row)[: len(names)]
        for place, make in places:
            if values[place] is not None:
                values[place] = make(values[place])
        return kind(*values)

    return read
