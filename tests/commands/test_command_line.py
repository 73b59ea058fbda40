"""What a person at the command line gets: work done, or what happened, what was expected and what to do."""

import asyncio
import os
import re
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from embedded import Servers
from tests.command_line import ROOT, as_process, registration

HEADER = "customer_email,common_name,role\n"
ACCOUNTS = (ROOT / "examples" / "accounts.csv").read_text(encoding="utf-8")


@pytest.fixture
def environment(running: Servers, empty_database_url: str, topic_prefix: str) -> dict[str, str]:
    return {
        **os.environ,
        **running.environment(),
        "DATABASE_URL": empty_database_url,
        "KAFKA_TOPIC_PREFIX": topic_prefix,
    }


def write(folder: Path, text: str, encoding: str = "utf-8") -> str:
    file = folder / "list.csv"
    file.write_text(text, encoding=encoding)
    return str(file)


PARTNER = (
    "--partner-id",
    "p1",
    "--partner-name",
    "Saigon Cloud",
    "--requested-by",
    "lan@saigon-cloud.example",
)


def test_a_list_with_bad_rows_is_told_line_by_line_and_its_good_rows_are_registered(
    environment: dict[str, str], tmp_path: Path
) -> None:
    registration("topics", "apply", "--partitions", "1", env=environment, cwd=tmp_path, status=0)
    rows = (
        "an@example.com,Công ty An,\n"
        "not an address,B,\n"
        "chi@example.com,,Partner\n"
        "dung@example.com,Dũng,Owner\n"
        'khanh@example.com,"an open mark,Partner\n'
        'ha@example.com,"two, words",Partner\n'
    )
    file = write(tmp_path, HEADER + rows)
    done = as_process("register", file, *PARTNER, env=environment, cwd=tmp_path, status=1)
    assert done.stdout == "published 2 registrations\n"
    lines = done.stderr.splitlines()
    assert [re.match(r"registration: line (\d): (\w+)", line).groups() for line in lines] == [  # type: ignore[union-attr]  # a line without a match fails the test as it should
        ("3", "customer_email"),
        ("4", "common_name"),
        ("5", "role"),
        ("6", "unexpected"),
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "complaint"),
    [
        ("email,name\na@example.com,A\n", "utf-8", "lacks the column customer_email, common_name"),
        (HEADER + "á@example.com,Á,\n", "utf-16", "is not UTF-8 text"),
        ("", "utf-8", "lacks the column"),
    ],
    ids=["other columns", "UTF-16", "empty"],
)
def test_a_file_that_is_no_such_list_says_what_is_expected(
    environment: dict[str, str], tmp_path: Path, text: str, encoding: str, complaint: str
) -> None:
    registration("topics", "apply", "--partitions", "1", env=environment, cwd=tmp_path, status=0)
    file = write(tmp_path, text, encoding)
    done = registration("register", file, *PARTNER, env=environment, cwd=tmp_path, status=1)
    assert (complaint in done.stderr and "expected" in done.stderr) or "mend" in done.stderr


def test_accounts_are_imported_from_any_folder_and_topics_are_made_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first = as_process("topics", "apply", env=environment, cwd=tmp_path, status=0)
    again = registration("topics", "apply", env=environment, cwd=tmp_path, status=0)
    assert first.stdout.count("made  ") == 20 and again.stdout.count("there  ") == 20
    done = registration("accounts", "import", write(tmp_path, ACCOUNTS), env=environment, cwd=tmp_path, status=0)
    assert done.stdout == "published 17 accounts\n"


def test_topics_have_the_partitions_asked_for_but_quarantines_one_and_no_topic_is_ever_changed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    def apply(*words: str) -> dict[str, tuple[str, int]]:
        done = registration("topics", "apply", *words, env=environment, cwd=tmp_path, status=0)
        lines = [line.split() for line in done.stdout.splitlines()]
        return {name.removeprefix(environment["KAFKA_TOPIC_PREFIX"]): (said, int(n)) for said, name, n, _ in lines}

    made = apply("--partitions", "3")
    assert {said for said, _ in made.values()} == {"made"}
    assert {n for name, (_, n) in made.items() if "quarantine" in name} == {1}
    assert {n for name, (_, n) in made.items() if "quarantine" not in name} == {3}
    assert apply() == {name: ("there", n) for name, (_, n) in made.items()}


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    dry = ("topics", "apply", "--partitions", "3", "--dry-run")
    for _ in range(2):
        done = registration(*dry, env=environment, cwd=tmp_path, status=0)
        assert done.stdout.count("would make  ") == 20 and done.stdout.count("  3 partitions") == 16
    registration("topics", "apply", "--partitions", "1", env=environment, cwd=tmp_path, status=0)
    done = registration(*dry, env=environment, cwd=tmp_path, status=0)
    assert done.stdout.count("there  ") == 20 and done.stdout.count("  1 partitions") == 20


def test_topics_that_kafka_will_not_make_are_told_one_by_one(environment: dict[str, str], tmp_path: Path) -> None:
    done = registration("topics", "apply", "--replication", "3", env=environment, cwd=tmp_path, status=1)
    lines = done.stderr.splitlines()
    assert len(lines) == 20
    assert all("InvalidReplicationFactorError" in line and "--replication" in line for line in lines)


async def set_version(database_url: str, version: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("update registrar.alembic_version set version_num = $1", version)
    await owner.close()


def test_what_is_missing_stops_with_the_remedy_and_status_1(environment: dict[str, str], tmp_path: Path) -> None:
    def stops(*words: str, **changed: str) -> str:
        return registration(*words, env={**environment, **changed}, cwd=tmp_path, status=1).stderr

    def serve_stops() -> str:
        """A process: in this one it would log, and take signals, as a service does."""
        return as_process("serve", "registrar", "--port", "0", env=environment, cwd=tmp_path, status=1).stderr

    said = serve_stops()
    assert "no tables of registrar" in said and "registration migrate" in said
    as_process("migrate", env=environment, cwd=tmp_path, status=0)
    asyncio.run(set_version(environment["DATABASE_URL"], "0000"))
    said = serve_stops()
    assert "tables of registrar are at version 0000; expected 0001 or newer; run: registration migrate" in said
    asyncio.run(set_version(environment["DATABASE_URL"], "9000"))  # a newer program's: served on
    topic = serve_stops()
    assert "Kafka has no topic" in topic and "registration topics apply" in topic
    unknown = as_process("show", str(uuid4()), env=environment, cwd=tmp_path, status=1).stderr
    assert "registrar knows no registration" in unknown
    kafka = stops("topics", "apply", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert "Kafka at 127.0.0.1:9" in kafka and len(kafka.splitlines()) == 1
    database = stops("migrate", DATABASE_URL="postgresql://u:p@127.0.0.1:9/x")
    assert "check DATABASE_URL" in database and len(database.splitlines()) == 1


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("DATABASE_URL", "mysql://root:secret@host/x", r"DATABASE_URL is \*+; expected an address like postgresql://"),
        ("DATABASE_URL", None, r"DATABASE_URL is missing; expected an address like postgresql://"),
        ("DECLINE_COOLDOWN", "30 days", "DECLINE_COOLDOWN is '30 days'; expected an ISO 8601 duration, for example"),
        ("OPEN_LIMIT", "many", "OPEN_LIMIT is 'many'; "),
        ("APPROVAL_FOR_CURRENT_CUSTOMERS", "no", "APPROVAL_FOR_CURRENT_CUSTOMERS is 'no'; .*'skip', 'review' or"),
        ("KAFKA_TOPIC_PREFIX", "a b", "KAFKA_TOPIC_PREFIX is 'a b'; "),
    ],
)  # fmt: skip
def test_a_missing_or_wrong_setting_stops_the_start_with_one_line_and_status_2(
    environment: dict[str, str], tmp_path: Path, setting: str, value: str | None, line: str
) -> None:
    changed = {name: text for name, text in environment.items() if name != setting}
    if value is not None:
        changed[setting] = value
    done = registration("serve", "registrar", env=changed, cwd=tmp_path, status=2)
    assert re.fullmatch(f"registration: {line}.*\n", done.stderr), done.stderr
    assert "secret" not in done.stderr


def test_wrong_usage_is_status_2(environment: dict[str, str], tmp_path: Path) -> None:
    registration("serve", "nobody", env=environment, cwd=tmp_path, status=2)
    registration("show", "not-an-id", env=environment, cwd=tmp_path, status=2)
