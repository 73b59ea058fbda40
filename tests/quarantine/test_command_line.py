"""`registration quarantine`: what an operator reads and does."""

import asyncio
import re
import sys
from collections.abc import Callable

import pytest

import cli
from tests.domain.facts import account_updated, confirmed, requested
from tests.quarantine.conftest import registrar_at
from tests.quarantine.records import reads, record
from tests.quarantine.test_settling import hears

CONFIRMED = "customer-confirmed.v1"

Run = Callable[..., tuple[int, list[str], list[str]]]
"""Exit status, lines told, lines of complaint."""


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:1")

    def run(*words: str) -> tuple[int, list[str], list[str]]:
        monkeypatch.setattr(sys, "argv", ["registration", "quarantine", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out.splitlines(), told.err.splitlines()

    return run


@pytest.fixture
def two(database_url: str) -> None:
    """1: a confirmation that came before its registration, which is there by now; 2: bytes that are no event."""

    async def fill() -> None:
        registrar = registrar_at(database_url)
        await hears(registrar, confirmed())
        odd = record(CONFIRMED, b"\xff{", key=None, headers=[("a\x1b", b"\xfe"), ("b", None)], offset=500)
        await reads(registrar, odd)
        await hears(registrar, account_updated(), requested())
        await registrar.database.close()

    asyncio.run(fill())


@pytest.mark.usefixtures("two")
def test_listing_and_showing_say_all_that_is_kept(run: Run) -> None:
    status, lines, _ = run("list", "registrar")
    assert status == 0
    assert [line.split()[:2] for line in lines] == [["1", "quarantined"], ["2", "quarantined"]]
    assert f"{CONFIRMED}[0]@500" in lines[1] and "undecodable" in lines[1]
    status, lines, _ = run("show", "registrar", "1", f"{CONFIRMED}:0:500")
    text = "\n".join(lines)
    assert status == 0
    assert confirmed().model_dump_json() in text
    assert "hex ff7b" in text and "key          null" in text
    assert "header       a\\x1b: hex fe" in text and "header       b: null" in text
    assert re.search(r"produced +2025-10-09T08:53:20Z", text)


@pytest.mark.usefixtures("two")
def test_replaying_all_does_what_can_be_done_and_complains_of_the_rest(run: Run) -> None:
    status, lines, complaints = run("replay", "registrar", "--all", "--by", "hoa@vng.example")
    assert (status, lines) == (1, ["1  replayed"])
    assert len(complaints) == 1 and complaints[0].startswith("registration: 2 failed again and stays in quarantine: un")
    status, lines, complaints = run("replay", "registrar", "1")
    assert (status, complaints) == (0, [])
    assert re.fullmatch(r"1  was replayed before, by hoa@vng.example at \S+Z; nothing was changed", lines[0])
    assert [line.split()[:2] for line in run("list", "registrar")[1]] == [["2", "quarantined"]]
    listed = run("list", "registrar", "--all")[1]
    assert [line.split()[:2] for line in listed] == [["1", "replayed"], ["2", "quarantined"]]
    assert "(replay failed: undecodable" in listed[1]


@pytest.mark.usefixtures("two")
def test_discarding_needs_a_reason_and_names_who_did_it(run: Run) -> None:
    assert run("discard", "registrar", "2")[0] == 2
    assert run("discard", "registrar", "2", "--reason", " ")[0] == 2
    assert run("discard", "registrar", "2", "--reason", "a test's", "--by", "hoa")[:2] == (0, ["2  discarded"])
    status, lines, complaints = run("discard", "registrar", "2", "1", "--reason", "again")
    assert (status, lines) == (1, ["1  discarded"])
    assert re.search(r"2 was discarded before, by hoa at \S+Z: a test's; nothing was changed", complaints[0])
    assert run("replay", "registrar", "2")[0] == 1
    assert re.search(r"last act +by \S+@\S+ at \S+Z: again", "\n".join(run("show", "registrar", "1")[1]))


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("show", "registrar", "99"), 1, "registrar has no quarantined record 99; expected one of"),
        (("replay", "registrar", "99", "1"), 1, "registrar has no quarantined record 99"),
        (("replay", "registrar"), 2, "expected either ids or --all"),
        (("replay", "registrar", "1", "--all"), 2, "expected either ids or --all"),
        (("show", "registrar", "one"), 2, "'one' is no id"),
        (("list", "nobody"), 2, "nobody"),
    ],
    ids=["unknown", "one unknown", "nothing named", "both named", "malformed", "no such service"],
)
def test_what_is_wrong_is_said_with_its_exit_status(
    run: Run, words: tuple[str, ...], status: int, complaint: str
) -> None:
    found, _, complaints = run(*words)
    assert found == status
    assert complaint in " ".join(re.sub(r"[│\s]+", " ", line).strip() for line in complaints)


def test_a_database_that_is_away_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:9/x")
    for words in (("list", "registrar"), ("replay", "registrar", "--all")):
        status, _, complaints = run(*words)
        assert status == 1 and len(complaints) == 1 and "check DATABASE_URL" in complaints[0]
