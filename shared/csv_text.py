"""A list as CSV. What people wrote stays text, whatever a spreadsheet would take it for."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

BOM = "\ufeff"  # without it Excel reads UTF-8 as something else
_A_FORMULA = re.compile('(^|[;|\\t\\r\\n])(?=[ \u00a0\u3000"]*[=+\\-@＝＋－＠\\t\\r\\n])')
"""Begins a cell, even behind spaces and quotation marks, also for a spreadsheet that separates them by another sign."""


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    written = StringIO()
    csv.writer(written).writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def _harmless(cell: str) -> str:
    return _A_FORMULA.sub(r"\1'", cell)
