"""A row is read by position, so the columns selected are those of the value's fields, in their order."""

from enum import StrEnum
from typing import NamedTuple

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from shared.rows import columns_of, reader

table = Table(
    "seen", MetaData(), *(Column(name, Text) for name in ("note", "colour", "name")), Column("number", Integer)
)


class Colour(StrEnum):
    RED = "red"


class Seen(NamedTuple):
    number: int
    name: str
    colour: Colour | None


class Unknown(NamedTuple):
    weight: int


def test_columns_stand_in_the_order_of_the_fields_whatever_the_tables_is() -> None:
    assert [column.name for column in columns_of(table, Seen)] == ["number", "name", "colour"]


def test_a_field_without_a_column_is_an_error_at_once() -> None:
    with pytest.raises(KeyError, match="weight"):
        columns_of(table, Unknown)


def test_values_are_made_of_what_is_there_and_none_stays_none() -> None:
    read = reader(Seen, colour=Colour)
    assert read((7, "an", "red")) == Seen(7, "an", Colour.RED)
    assert read((7, "an", None)) == Seen(7, "an", None)
    assert read((7, "an", "red", "more of the row")) == Seen(7, "an", Colour.RED)
    with pytest.raises(ValueError, match="green"):
        read((7, "an", "green"))


def test_a_row_that_is_too_short_is_an_error() -> None:
    with pytest.raises(TypeError):
        reader(Seen)((7, "an"))
