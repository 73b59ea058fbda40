"""The command line, as a process and within this one. Nearly all that a process costs is Python loading its modules: a
second of the processor each time. So each command is started as one at least once, and whatever else is asked of it,
here.
"""

import contextlib
import gc
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import cli

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Said:
    stdout: str
    stderr: str


def registration(*words: str, env: Mapping[str, str], status: int, cwd: Path = ROOT) -> Said:
    """Runs the console script's code; fails unless it ends with `status` and without a traceback."""
    stdout, stderr, ended = io.StringIO(), io.StringIO(), None
    with (
        patch.dict(os.environ, env, clear=True),
        patch.object(sys, "argv", ["registration", *words]),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            cli.main()
        except SystemExit as end:
            ended = int(end.code or 0)
        finally:
            gc.enable()  # `serve` loads its modules without the collector
    return _as_expected(ended, Said(stdout.getvalue(), stderr.getvalue()), status)


def as_process(*words: str, env: Mapping[str, str], status: int, cwd: Path = ROOT) -> Said:
    """The same as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "cli", *words],
        env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return _as_expected(done.returncode, Said(done.stdout, done.stderr), status)


def _as_expected(ended: int | None, said: Said, status: int) -> Said:
    assert ended == status, said.stderr
    assert "Traceback" not in said.stderr
    return said
