"""Who is registered by whom in which round, what the people do, and how each row must end."""

import csv
from dataclasses import dataclass
from pathlib import Path

from commands.failures import Failed

COLUMNS = (
    "round", "registered_by", "customer_email", "common_name", "customer", "vng", "expected_status", "expected_reasons"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """`customer`: "confirm", "decline: why" or nothing; `vng`: "approve", "reject: why", "policy" or nothing."""

    round: int
    registered_by: str
    customer_email: str
    common_name: str
    customer: str
    vng: str
    expected_status: str
    expected_reasons: str


def read(path: Path) -> list[Row]:
    """Raises Failed where the file cannot be read as such a list."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
                raise Failed(f"{path} lacks the column {', '.join(missing)}; expected {','.join(COLUMNS)}")
            return [Row(int(cells["round"]), *(cells[name] or "" for name in COLUMNS[1:])) for cells in reader]
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise Failed(f"{path} cannot be read as a list of customers: {error}; see examples/customers.csv") from None
