"""Long lists: memory stays flat, a terminal shows how far it is, and what was interrupted goes on."""

import os
import pty
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import csv_files
from commands.csv_files import Row
from commands.lists import MOST_TOLD, Report
from embedded import Servers
from shared.events import AccountUpdated
from tests.command_line import ROOT, registration
from tests.commands.test_command_line import HEADER, PARTNER

COLUMNS = (
    "email,account_id,holder_name,locale,billing,credit_balance,active_services,active_discounts,in_poc,vng_customer"
)


@pytest.fixture
def environment(running: Servers, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    environment = {**os.environ, **running.environment(), "KAFKA_TOPIC_PREFIX": topic_prefix, "PYTHONPATH": str(ROOT)}
    registration("topics", "apply", "--partitions", "1", env=environment, cwd=tmp_path, status=0)
    return environment


def rows(count: int, first: int = 1) -> Iterator[str]:
    for n in range(first, first + count):
        yield f"k{n}@example.vn,{n},{'Khách ' * 30},vi,prepaid,0,0,0,false,false\n"


def written(folder: Path, *parts: str) -> str:
    file = folder / "accounts.csv"
    file.write_text("".join(parts), encoding="utf-8")
    return str(file)


def test_bad_rows_are_told_up_to_a_limit_and_counted_and_the_others_are_published(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = written(tmp_path, f"{COLUMNS}\n", *rows(2), "no address,,,,,,,,,\n" * (MOST_TOLD + 5), *rows(1, 9))
    done = registration("accounts", "import", file, env=environment, cwd=tmp_path, status=1)
    lines = done.stderr.splitlines()
    assert done.stdout == "published 3 accounts\n" and len(lines) == MOST_TOLD + 1
    assert lines[0].startswith("registration: line 4: email is 'no address'")
    assert lines[-1] == f"registration: {MOST_TOLD + 5} rows were bad, 5 more than are told here"


HEARS = "import cli, signal; signal.signal(signal.SIGINT, signal.default_int_handler); cli.main()"
"""The program, where a shell's background jobs are born deaf to Ctrl-C."""


@pytest.mark.parametrize("kind", ["accounts", "registrations"])
def test_a_list_goes_on_from_a_line(environment: dict[str, str], tmp_path: Path, kind: str) -> None:
    words: tuple[str, ...]
    if kind == "accounts":
        words = ("accounts", "import", written(tmp_path, f"{COLUMNS}\n", *rows(5)))
    else:
        words = ("register", written(tmp_path, HEADER, *(f"k{n}@x.vn,K,\n" for n in range(5))), *PARTNER)
    done = registration(*words, "--from-line", "5", env=environment, cwd=tmp_path, status=0)
    assert (done.stdout, done.stderr) == (f"published 2 {kind}\n", "")


def test_who_interrupts_an_import_is_told_the_line_to_go_on_from(environment: dict[str, str], tmp_path: Path) -> None:
    """The list is a pipe. More than it holds is written behind the first thousand rows, and that is read only once
    these are acknowledged."""
    pipe = tmp_path / "accounts.csv"
    os.mkfifo(pipe)
    command = [sys.executable, "-W", "ignore", "-c", HEARS, "accounts", "import", str(pipe)]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        with pipe.open("w", encoding="utf-8") as file:
            file.writelines([f"{COLUMNS}\n", *rows(1999)])
            file.flush()
            running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert (running.returncode, stdout) == (1, "")
    assert stderr.splitlines() == [
        "registration: interrupted",
        "registration: 1000 rows were published before that; to go on, add --from-line 1002",
    ]


def test_a_terminal_shows_how_far_it_is(environment: dict[str, str], tmp_path: Path) -> None:
    file = written(tmp_path, f"{COLUMNS}\n", *rows(3))
    terminal, its_other_end = pty.openpty()
    command = [sys.executable, "-W", "ignore", "-m", "cli", "accounts", "import", file]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=its_other_end, check=True, timeout=60
    )
    os.close(its_other_end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert done.stdout == b"published 3 accounts\n" and "4/4" in shown


def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    """All rows are bad, which is what would be kept; those that are read are let go of."""
    file = tmp_path / "accounts.csv"
    with file.open("w", encoding="utf-8") as long:
        long.write(f"{COLUMNS}\n")
        long.writelines("too,many,cells,,,,,,,,,,\n" for _ in range(100_000))
    found: Iterator[Row[AccountUpdated]] = csv_files.read(file, AccountUpdated, {"version": 1, "updated_at": None})
    report = Report(found, 2)
    tracemalloc.start()
    assert list(report) == []
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.bad == 100_000 and len(report.problems) == MOST_TOLD + 1
    assert most < 1_000_000  # bytes; the list has more than two million
