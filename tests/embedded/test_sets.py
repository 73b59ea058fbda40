"""What a whole set promises: sets do not meet, a folder has one user, and nothing outlives the user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded import Servers, servers

HOLDER = """
import signal, sys, time
from pathlib import Path
from embedded import servers
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
with servers(Path(sys.argv[1]), lambda line: None, {}) as started:
    print(started.kafka.pid, started.postgres.pid, flush=True)
    while True:
        time.sleep(0.1)  # not signal.pause(): a signal just before it would be waited for for ever
"""
EXTERNAL = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "DATABASE_URL": "postgresql://user:secret@db.example/registration",
    "SMTP_URL": "smtp://mail.example:25",
    "OIDC_ISSUER": "https://id.example",
}


@contextmanager
def another_process(folder: Path, root: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A process that holds servers in `folder`, and the pids of its Kafka and PostgreSQL."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as holder:
        assert holder.stdout is not None
        try:
            yield holder, [int(pid) for pid in holder.stdout.readline().split()]
        finally:
            holder.kill()


def runs(pid: int) -> bool:
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).returncode == 0


def test_two_sets_side_by_side_do_not_collide(running: Servers, tmp_path: Path) -> None:
    with servers(tmp_path, environ={}) as other:
        mine, theirs = running.environment(), other.environment()
        addresses = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "SMTP_URL", "OIDC_ISSUER")
        assert all(mine[name] != theirs[name] for name in addresses)


def test_a_folder_in_use_is_refused_and_names_its_user(running: Servers, root: Path) -> None:
    assert running.kafka is not None
    folder = running.kafka.folder.parent
    command = [sys.executable, "-c", HOLDER, str(folder)]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False, timeout=60)
    assert refused.returncode == 1
    assert f"FolderInUse: {folder} is in use by process {os.getpid()}: stop that one" in refused.stderr


def test_after_a_kill_nothing_is_left_and_the_folder_starts_again(tmp_path: Path, root: Path) -> None:
    with another_process(tmp_path, root) as (holder, pids):
        assert all(runs(pid) for pid in pids)
        holder.kill()
    # The new start waits for the end of all that the old one left.
    with servers(tmp_path, environ={}) as started:
        assert not any(runs(pid) for pid in pids)
        assert started.postgres is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_stops_its_servers_before_it_ends(
    tmp_path: Path, root: Path, number: signal.Signals
) -> None:
    with another_process(tmp_path, root) as (holder, pids):
        holder.send_signal(number)
        assert holder.wait(30) != 0
        assert not any(runs(pid) for pid in pids)


def test_external_servers_are_used_where_the_environment_names_them(tmp_path: Path) -> None:
    lines: list[str] = []
    with servers(tmp_path, lines.append, EXTERNAL) as started:
        assert started.environment().items() >= EXTERNAL.items()
        assert started.mailbox_url is None
    assert [line.split(maxsplit=1)[1] for line in lines] == [f"the one that {name} names" for name in EXTERNAL]
    assert not any("secret" in line for line in lines)
