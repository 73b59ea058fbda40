"""A list as a workbook of Excel. What people wrote stays text, whatever it looks like."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it carries no types

MOST_ROWS = 1_048_574  # of a sheet, beside the headings and a line that says there are more
_WIDTH = 24
Cell = str | datetime
"""A time is local, and says no zone."""


class Book:
    """A workbook that goes to disk row by row. Not for the event loop: each call writes."""

    def __init__(self, file: IO[bytes], headings: Sequence[str], date_format: str) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = Workbook(file, options)
        self._sheet = self._book.add_worksheet()
        self._moment = self._book.add_format({"num_format": date_format})
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(headings) - 1, _WIDTH)
        bold = self._book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            self._sheet.write_string(0, column, heading, bold)
        self._next = 1

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    self._sheet.write_datetime(self._next, column, cell, self._moment)
                elif cell:
                    self._sheet.write_string(self._next, column, cell)
            self._next += 1

    @property
    def room(self) -> int:
        return MOST_ROWS + 1 - self._next

    def close(self) -> None:
        self._book.close()
