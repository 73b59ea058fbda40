"""The pages that are generated are the ones in the tree."""

from pathlib import Path

from commands.lifecycle import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_diagrams_in_the_docs_are_drawn_from_the_tables_as_they_are() -> None:
    written = (ROOT / "docs/reference/lifecycle.md").read_text(encoding="utf-8")
    assert written == page(), "docs/reference/lifecycle.md is out of date; run: make docs"
