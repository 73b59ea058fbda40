"""Lists that people keep, as CSV: every row becomes an event, or a line that says what is wrong with it and where."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from commands.failures import Failed
from shared.events import Event

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Row(Generic[E]):
    """`line` counts as an editor does. Either `event`, or `problem` in words."""

    line: int
    event: E | None
    problem: str = ""


FIRST = 2
"""The line of the first row: the names of the columns stand before it."""


def read(path: Path, kind: type[E], defaults: Mapping[str, object], from_line: int = FIRST) -> Iterator[Row[E]]:
    """The rows of a CSV file whose columns are fields of `kind`, from a line on; an empty cell takes the default.

    Raises Failed where the file itself cannot be read, or lacks a column that every row needs.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns = _columns(path, file.readline())
            _refuse_missing_columns(path, kind, columns, defaults)
            # Line by line: a quotation mark left open must not swallow the good rows after it.
            for number, line in enumerate(file, start=FIRST):
                if number >= from_line and line.strip():
                    yield _row(number, kind, line, columns, defaults)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}; expected a CSV file") from None
    except UnicodeDecodeError:
        raise Failed(f"{path} is not UTF-8 text; expected a CSV file saved as UTF-8; save it again as such") from None


def lines_in(path: Path) -> int:
    """Raises Failed."""
    try:
        with path.open("rb") as file:
            return sum(1 for _line in file)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}; expected a CSV file") from None


def _columns(path: Path, line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error as error:
        raise Failed(f"the first line of {path} cannot be read: {error}; expected the names of the columns") from None


def _refuse_missing_columns(path: Path, kind: type[E], columns: list[str], defaults: Mapping[str, object]) -> None:
    needed = [name for name, field in kind.model_fields.items() if field.is_required() and name not in defaults]
    if missing := [name for name in needed if name not in columns]:
        raise Failed(f"{path} lacks the column {', '.join(missing)}; expected a first line with: {','.join(needed)}")


def _row(number: int, kind: type[E], line: str, columns: list[str], defaults: Mapping[str, object]) -> Row[E]:
    try:
        cells = next(csv.reader([line], strict=True))
    except csv.Error as error:
        return Row(number, None, f"{error}; a quotation mark is missing or stands in the wrong place")
    if len(cells) > len(columns):
        return Row(number, None, "more cells than columns; a cell with a comma needs quotation marks")
    typed = {name: text for name, text in zip(columns, cells, strict=False) if text.strip()}
    values = {name: value() if callable(value) else value for name, value in defaults.items()} | typed
    try:
        return Row(number, kind.model_validate(values, strict=False))
    except ValidationError as refused:
        return Row(number, None, "; ".join(_words(error, typed) for error in refused.errors()))


def _words(error: Mapping[str, object], typed: Mapping[str, str]) -> str:
    where = str(error["loc"][0]) if isinstance(error["loc"], tuple) and error["loc"] else "the row"
    found = f" is {typed[where]!r}" if where in typed else " is empty" if error["type"] == "missing" else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}{found}: {message}"
