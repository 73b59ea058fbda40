"""A migration runs while the release before serves: it expands, and only a later one contracts."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST_RELEASE = {"portal": "0002", "registrar": "0001", "notifier": "0001", "approver": "0002"}
"""The newest migration of each service in 0.1.0: nothing served before these."""
TAKES = "takes away what the release before uses; leave it to a release after the next"
RENAMES = "renames what the release before uses; add, fill, and drop later"
CHECKS = "rewrites or checks the whole table under a lock that stops the release before"
FILLED_BY_NOBODY = "the release before does not fill the column; give it a server_default"
LOCKS = "stops writing while it is built; create it concurrently, outside a transaction"
RULES = {
    r"\bdrop_(column|table|constraint)\(|\bdrop (column|table)\b": TAKES,
    r"\brename_table\(|new_column_name=|\brename (column|to)\b": RENAMES,
    r"\balter_column\([^)]*(type_=|nullable=False)": CHECKS,
    r"\badd_column\((?![^\n]*server_default)[^\n]*nullable=False": FILLED_BY_NOBODY,
    r"\bcreate_index\((?![^)]*postgresql_concurrently=True)": LOCKS,
}


def problems(source: str) -> list[str]:
    return [why for pattern, why in RULES.items() if re.search(pattern, source, re.IGNORECASE)]


def later_ones() -> list[Path]:
    found = []
    for service, newest in FIRST_RELEASE.items():
        versions = sorted((ROOT / "services" / service / "migrations" / "versions").glob("*.py"))
        assert any(it.stem.startswith(newest) for it in versions), f"no migration {newest} of {service}"
        found += [it for it in versions if it.stem[: len(newest)] > newest]
    return found


def test_no_migration_after_the_first_release_takes_away_or_locks_what_the_release_before_needs() -> None:
    assert {it.name: problems(it.read_text(encoding="utf-8")) for it in later_ones()} == {
        it.name: [] for it in later_ones()
    }


@pytest.mark.parametrize(
    "source",
    [
        'op.drop_column("cases", "reason")',
        'op.execute("alter table cases drop column reason")',
        'op.rename_table("cases", "reviews")',
        'op.alter_column("cases", "reason", new_column_name="why")',
        'op.alter_column("cases", "reason", nullable=False)',
        'op.add_column("cases", sa.Column("mark", sa.Text, nullable=False))',
        'op.create_index("cases_mark_idx", "cases", ["mark"])',
    ],
    ids=["drop", "drop in SQL", "rename", "rename a column", "not null", "new and not null", "index"],
)
def test_what_the_release_before_cannot_live_with_is_told(source: str) -> None:
    assert len(problems(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'op.add_column("cases", sa.Column("mark", sa.Text, nullable=True))',
        'op.add_column("cases", sa.Column("mark", sa.Text, nullable=False, server_default=""))',
        'op.create_index("cases_mark_idx", "cases", ["mark"], postgresql_concurrently=True)',
        'op.create_table("marks", sa.Column("id", sa.Uuid, primary_key=True))',
    ],
    ids=["nullable", "with a default", "concurrently", "a new table"],
)
def test_what_only_adds_is_fine(source: str) -> None:
    assert problems(source) == []
