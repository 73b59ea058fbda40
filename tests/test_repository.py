"""What the repository promises about itself."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from cli import app

ROOT = Path(__file__).resolve().parents[1]


def test_lock_files_hold_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        assert packages and len(re.findall(r"--hash=sha256:", text)) >= len(packages)


def test_ci_runs_the_commands_that_the_readme_names_and_so_every_test() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make test" in readme and "make campaigns" in readme
    assert "\nmake test\nmake check\nmake campaigns\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    done = {name: commands_of(name) for name in ("test", "campaigns")}
    [left_out], [taken] = ([re.findall(r"tests/\w+", it) for it in lines] for lines in done.values())
    assert left_out == taken != []


def commands_of(target: str) -> list[str]:
    """Of make, those that run tests."""
    said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if "-m pytest" in line]


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


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists_with_the_options_that_it_is_given(page: str) -> None:
    """They run elsewhere, as far as they can here: in tests/deploy/test_how_to.py and tests/commands."""
    lines = list(commands_in((ROOT / page).read_text(encoding="utf-8")))
    assert [line for line in lines if not is_known(line)] == []


def test_commands_are_found_in_pages() -> None:
    assert sum(len(list(commands_in((ROOT / page).read_text(encoding="utf-8")))) for page in PAGES) > 50


def is_known(line: str) -> bool:
    command, words = typer.main.get_command(app), line.split()
    options = {"--help", "--debug"}
    while below := getattr(command, "commands", None):
        names = words.pop(0).split("|") if words else [""]  # a|b are two commands
        if not set(names) <= set(below):
            return False
        command = below[names[0]]
    options |= {option for it in command.params for option in (*it.opts, *it.secondary_opts)}
    return set(re.findall(r"(?<!\S)\(?(--[a-z-]+)", line)) <= options


def commands_in(text: str) -> Iterator[str]:
    """What stands behind the program's name, in blocks and in lines of code."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in [*"".join(blocks).splitlines(), *inline]:
        if found := re.match(r"(?:as \w+ )?(?:\.venv/bin/)?registration ([a-z].*)", line.strip()):
            yield found[1]
