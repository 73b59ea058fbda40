"""A program that is run to its end."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from commands.failures import Failed


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """What it says. Raises Failed with the last that it said."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = " ".join((done.stderr or done.stdout).strip().splitlines()[-2:])
        raise Failed(f"{' '.join(map(str, command))} ended with status {done.returncode}, expected 0: {last}")
    return done.stdout
