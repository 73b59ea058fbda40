"""What the guard promises: a command ends with its owner, completely, and its end is told as it was."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import process
from embedded.process import ServerDidNotStart

PATIENCE = 20.0
OWNER = """
import signal, sys
from pathlib import Path
from embedded import process
child = process.start([sys.executable, "-c", {code!r}], log_path=Path({log!r}))
print(child.pid, flush=True)
signal.pause()
"""
SLEEPS = "import signal; signal.pause()"
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\n" + SLEEPS
HAS_A_DAEMON = """
import os, signal
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
signal.pause()
"""


def wait_for_end(pid: int) -> None:
    """Block until `pid`, which need not be a child, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], PATIENCE)[0], f"process {pid} still runs"
    finally:
        os.close(descriptor)


def says_something(child: process.Process) -> None:
    child.wait_until(lambda: child.log_tail() != "", PATIENCE)


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a stranger's end by a pidfd, which Linux alone has")
def test_a_child_dies_when_its_owner_is_killed(tmp_path: Path, root: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(code=SLEEPS, log=str(tmp_path / "log"))],
        stdout=subprocess.PIPE, cwd=root,
    )  # fmt: skip
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    wait_for_end(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent's death")
def test_a_child_dies_when_its_guard_is_killed(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", SLEEPS], log_path=tmp_path / "log")
    child._guard.kill()
    assert child.wait(PATIENCE) == -signal.SIGKILL
    wait_for_end(child.pid)


def test_stop_ends_a_child_in_order(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", SLEEPS], log_path=tmp_path / "log")
    assert child.alive
    assert child.stop() == -signal.SIGTERM
    assert not child.alive
    assert child.stop() == -signal.SIGTERM


def test_a_child_that_ignores_the_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", IGNORES_SIGTERM], log_path=tmp_path / "log", grace=0.2)
    says_something(child)
    assert child.stop() == -signal.SIGKILL


def test_kill_gives_no_grace(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", IGNORES_SIGTERM], log_path=tmp_path / "log", grace=600)
    says_something(child)
    assert child.kill() == -signal.SIGKILL


def test_the_pid_is_the_childs_own(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", SLEEPS], log_path=tmp_path / "log")
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(PATIENCE) == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can adopt what left its group")
def test_nothing_that_the_child_started_outlives_it(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", HAS_A_DAEMON], log_path=tmp_path / "log")
    says_something(child)
    daemon = int(child.log_tail())
    child.kill()
    wait_for_end(daemon)


def test_the_exit_status_is_forwarded(tmp_path: Path) -> None:
    assert process.start([sys.executable, "-c", "raise SystemExit(7)"], log_path=tmp_path / "log").wait() == 7


def test_a_command_that_cannot_run_says_why_in_its_log(tmp_path: Path) -> None:
    child = process.start(["/nonexistent/command"], log_path=tmp_path / "log")
    assert child.wait(PATIENCE) == 127
    assert "cannot run /nonexistent/command: [Errno 2]" in child.log_tail()


def test_a_server_that_ends_while_it_starts_shows_the_end_of_its_log(tmp_path: Path) -> None:
    child = process.start([sys.executable, "-c", "raise SystemExit('no disk')"], log_path=tmp_path / "log")
    with pytest.raises(ServerDidNotStart, match=r"status 1; the end of .*\nno disk"):
        child.wait_until(lambda: False, PATIENCE)
