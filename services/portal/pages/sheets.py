"""A list as a file: CSV, and a workbook of Excel. What people wrote stays text in both, whatever it looks like."""

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import IO

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # it carries no types

BOM = "\ufeff"  # without it Excel reads UTF-8 as something else
MOST_ROWS = 1_048_574  # of a sheet, beside the headings and a line that says there are more
_WIDTH = 24
_A_FORMULA = re.compile('(^|[;|\\t\\r\\n])(?=[ \u00a0\u3000"]*[=+\\-@＝＋－＠\\t\\r\\n])')
"""Begins a cell, even behind spaces and quotation marks, also for a spreadsheet that separates them by another sign."""

Cell = str | datetime
"""A time is local, and says no zone."""


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    written = StringIO()
    csv.writer(written).writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def _harmless(cell: str) -> str:
    return _A_FORMULA.sub(r"\1'", cell)


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
