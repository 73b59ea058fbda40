"""What the repository promises about itself."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_lock_files_hold_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        assert packages and len(re.findall(r"--hash=sha256:", text)) >= len(packages)


def test_ci_runs_the_command_that_the_readme_names() -> None:
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\nmake test\nmake check\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]
    if page.name != "licences.md"  # of others' work
)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    """Tests that show a promise, targets of make, and pages it leads to."""
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = re.findall(r"`(tests/[\w./*-]+)", text)
    targets = set(re.findall(r"\bmake ([a-z-]+)`", text))
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [it for it in paths if not list(ROOT.glob(it))] == []
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [it for it in links if not (ROOT / page).parent.joinpath(it).exists()] == []
