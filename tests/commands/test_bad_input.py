"""Whatever is wrong around it, every command ends with lines that say so, a status that is not 0, and no traceback."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cli
from embedded import Servers
from tests.commands.doctor.conftest import OURS

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = str(ROOT / "examples" / "accounts.csv")
PARTNER = ("--partner-id", "p", "--partner-name", "P", "--requested-by", "lan@saigon-cloud.example")
NOBODY = "127.0.0.1:9"
NO_ID = "01981c6e-0000-7000-8000-000000000000"
"""Of no registration."""

KAFKA = (
    ("topics", "apply"),
    ("topics", "apply", "--acls"),
    ("topics", "apply", "--dry-run", "--acls"),
    ("accounts", "import", ACCOUNTS),
    ("register", "LIST", *PARTNER),
    ("rewind", "registrar", "--to", "2026-01-01T00:00:00Z"),
)
DATABASE = (
    ("migrate",),
    ("show", NO_ID),
    ("show", "--all", NO_ID),
    ("quarantine", "list", "registrar"),
    ("quarantine", "show", "registrar", "1"),
    ("quarantine", "replay", "registrar", "--all"),
    ("quarantine", "discard", "registrar", "1", "--reason", "a test"),
    ("purge", "--older-than", "P2Y"),
    ("export",),
)
OTHERS = {("serve",), ("demo",), ("doctor",), ("openid",), ("contracts", "check")}
"""Wait for what is away, start what they need, tell what is wrong, or need neither: each has tests of its own."""

Run = Callable[..., tuple[int, str]]
"""Status and stderr of a command line."""


@pytest.fixture
def run(
    running: Servers,
    database_url: str,
    topic_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """In this process, with a good environment but for what a test changes in it; None takes a setting away."""
    (tmp_path / "LIST").write_text("customer_email,common_name,role\na@example.com,A,\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    good = {**running.environment(), "DATABASE_URL": database_url, "KAFKA_TOPIC_PREFIX": topic_prefix, **OURS}

    def run(*words: str, **changed: str | None) -> tuple[int, str]:
        for name, value in {**good, **changed}.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["registration", *words])
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().err
        raise AssertionError("the console script always ends by an exit status")

    return run


def named(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that the program has."""
    if parts := getattr(command, "commands", None):
        for name, one in parts.items():
            yield from named(one, (*words, name))
    else:
        yield words


def test_no_command_is_forgotten_here() -> None:
    tried = {words[:length] for words in (*KAFKA, *DATABASE) for length in (1, 2)}
    assert set(named(typer.main.get_command(cli.app))) - tried == OTHERS


def told(said: str) -> list[str]:
    """The lines. Fails unless each says what is expected or what to do."""
    assert "Traceback" not in said
    lines = said.splitlines()
    assert lines != [] and all(line.startswith("registration: ") for line in lines), said
    assert all("expected" in line or "run: " in line for line in lines), said
    return lines


@pytest.mark.parametrize("words", KAFKA, ids=" ".join)
def test_without_kafka_one_line_says_what_to_check(run: Run, words: tuple[str, ...]) -> None:
    status, said = run(*words, KAFKA_BOOTSTRAP_SERVERS=NOBODY)
    assert status == 1
    [line] = told(said)
    assert f"Kafka at {NOBODY}" in line and "check KAFKA_BOOTSTRAP_SERVERS" in line


@pytest.mark.parametrize("words", DATABASE, ids=" ".join)
def test_without_postgresql_one_line_says_what_to_check(run: Run, words: tuple[str, ...]) -> None:
    status, said = run(*words, DATABASE_URL=f"postgresql://u:secret@{NOBODY}/x")
    assert status == 1
    [line] = told(said)
    assert "check DATABASE_URL" in line and "secret" not in line


@pytest.mark.parametrize("words", KAFKA, ids=" ".join)
def test_without_the_setting_for_kafka_one_line_names_it(run: Run, words: tuple[str, ...]) -> None:
    status, said = run(*words, KAFKA_BOOTSTRAP_SERVERS=None)
    assert status == 2
    [line] = told(said)
    assert "KAFKA_BOOTSTRAP_SERVERS is missing" in line


@pytest.mark.parametrize("words", DATABASE, ids=" ".join)
def test_with_a_wrong_setting_for_postgresql_one_line_names_it(run: Run, words: tuple[str, ...]) -> None:
    status, said = run(*words, DATABASE_URL="mysql://root:secret@host/x")
    assert status == 2
    [line] = told(said)
    assert "DATABASE_URL is ********" in line


@pytest.mark.parametrize("words", [it for it in KAFKA if it[0] != "topics"], ids=" ".join)
def test_without_topics_the_command_that_makes_them_is_named(run: Run, words: tuple[str, ...]) -> None:
    status, said = run(*words)
    assert status == 1
    assert all("Kafka has no topic" in line and "registration topics apply" in line for line in told(said)), said


@pytest.mark.parametrize("words", [it for it in DATABASE if it[0] != "migrate"], ids=" ".join)
def test_without_tables_the_command_that_makes_them_is_named(
    run: Run, words: tuple[str, ...], empty_database_url: str
) -> None:
    status, said = run(*words, DATABASE_URL=empty_database_url)
    assert status == 1
    [line] = told(said)
    assert "registration migrate" in line


def test_access_rules_without_an_authorizer_are_told(run: Run) -> None:
    status, said = run("topics", "apply", "--dry-run", "--acls")
    assert status == 1 and "set authorizer.class.name" in said


def test_an_error_that_nobody_expected_is_one_line_and_its_place_in_the_code_is_shown_on_demand(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("as no test expects")

    monkeypatch.setattr("commands.migrate.migrate_all", broken)
    status, said = run("migrate")
    assert status == 1
    assert re.fullmatch(
        r"registration: LookupError: as no test expects at .*test_bad_input.py:\d+; .*--debug.*\n", said
    )
    for words in (("--debug", "migrate"), ("migrate", "--debug")):
        status, said = run(*words)
        assert status == 1 and "Traceback" in said and said.splitlines()[-1].startswith("registration: LookupError")
