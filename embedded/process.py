"""A child process that ends with this one, however this one ends (see guard.py).

`pid` is the command's own pid, not the guard's: a fault test may kill -9 or SIGSTOP it.
Exit statuses are those of `subprocess`: negative is a signal's number.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
POLL_SECONDS = 0.02


class ServerDidNotStart(Exception):
    """A server ended, or stayed unready, while it was started. The message carries its log's end."""


class Process:
    """A running command. Made by `start`."""

    def __init__(self, guard: subprocess.Popen[bytes], pid: int, name: str, log_path: Path | None) -> None:
        self._guard = guard
        self.pid = pid
        self.name = name
        self.log_path = log_path

    @property
    def alive(self) -> bool:
        return self._guard.poll() is None

    def stop(self) -> int:
        """Ask it to end, insist after its grace, and return its exit status. Does nothing the second time."""
        self._let_go()
        return self._guard.wait()

    def kill(self) -> int:
        """SIGKILL, as a crash would be; returns once it and its descendants are gone."""
        assert self._guard.stdin is not None
        if not self._guard.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it ended just now
                os.write(self._guard.stdin.fileno(), b"K")
        return self.stop()

    def wait(self, timeout: float | None = None) -> int:
        """The exit status once it has ended. Raises TimeoutError after `timeout` seconds."""
        try:
            status = self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} (pid {self.pid}) still runs after {timeout} s") from None
        self._let_go()
        return status

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Return once `ready()`; otherwise stop it and raise ServerDidNotStart with the end of its log."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.alive:
                raise ServerDidNotStart(f"{self.name} ended with status {self.wait()}{self._log_for_error()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerDidNotStart(f"{self.name} was not ready after {timeout:g} s{self._log_for_error()}")
            time.sleep(POLL_SECONDS)

    def log_tail(self, lines: int = 20) -> str:
        if self.log_path is None:
            return ""
        return "\n".join(self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _let_go(self) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.close()

    def _log_for_error(self) -> str:
        return f"; the end of {self.log_path}:\n{self.log_tail()}" if self.log_path else ""


def start(
    command: Sequence[str | Path],
    *,
    log_path: Path | None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace: float = 10.0,
    identity: str = "same",
    inherited: Sequence[int] = (),
) -> Process:
    """Start `command`; its output is appended to `log_path` (None: to this process's stderr).

    `env` is the whole environment (None: this process's). `inherited` file descriptors stay open in the
    command and in all that it starts. `grace` is in seconds.
    """
    if log_path is not None:
        log_path.parent.mkdir(parents=True, exist_ok=True)
    log = None if log_path is None else log_path.open("ab")
    try:
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", GUARD, str(int(stop_signal)), str(grace), identity, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=env,
            cwd=cwd,
            start_new_session=True,
            pass_fds=inherited,
            bufsize=0,
        )
    finally:
        if log is not None:
            log.close()
    assert guard.stdout is not None
    with guard.stdout as answer:
        line = answer.readline()
    if not line:
        raise ServerDidNotStart(f"the guard of {command[0]} ended with status {guard.wait()}")
    return Process(guard, int(line), Path(command[0]).name, log_path)
