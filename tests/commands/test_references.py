"""Pages of reference that are drawn from the code say what the code says."""

from pathlib import Path

import pytest

from bench import capacity
from commands.references import PAGES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_drawn_from_the_code_is_up_to_date(name: str) -> None:
    drawn = "\n".join(PAGES[name]()).rstrip() + "\n"
    assert (REFERENCE / f"{name}.md").read_text(encoding="utf-8") == drawn, "run: make docs"


def test_the_tables_of_capacity_say_what_was_measured() -> None:
    latest = capacity.stored("latest.json")
    assert latest
    drawn = "\n".join(capacity.tables(latest, capacity.stored("scale.json"))) + "\n"
    assert (REFERENCE / "capacity.md").read_text(encoding="utf-8") == drawn, "run: make docs"
