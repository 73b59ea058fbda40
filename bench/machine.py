"""On what something was measured, and what of."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg

from embedded.jars import locked

ROOT = Path(__file__).parents[1]
PACKAGES = ("aiokafka", "aiosmtplib", "asyncpg", "faststream", "pydantic", "sqlalchemy", "starlette", "uvicorn")


def stamp() -> dict[str, str | bool | None]:
    """`commit` is None where there is no git; `commit_changed`: files differed from it."""
    commit = _git("rev-parse", "HEAD")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "commit": commit,
        "commit_changed": None if commit is None else bool(_git("status", "--porcelain", "--", ":!bench/results")),
    }


def hardware() -> dict[str, str | float | None]:
    """`hardware_load_before`: how many processes wanted to run, in the minute before, beside what is measured."""
    names = [it.partition(":")[2].strip() for it in _lines("/proc/cpuinfo") if it.startswith("model name")]
    memory = [int(it.split()[1]) for it in _lines("/proc/meminfo") if it.startswith("MemTotal")]
    return {
        "hardware_cpu": names[0] if names else platform.processor(),
        "hardware_cores": os.cpu_count(),
        "hardware_memory_mb": memory[0] // 1024 if memory else None,
        "hardware_system": platform.platform(),
        "hardware_load_before": os.getloadavg()[0],
    }


async def versions(database_url: str) -> dict[str, str]:
    connection = await asyncpg.connect(database_url)
    postgres = await connection.fetchval("show server_version")
    await connection.close()
    servers = {"version_python": platform.python_version(), "version_postgres": postgres}
    return servers | {"version_kafka": locked().version} | {f"version_{it}": version(it) for it in PACKAGES}


def _git(*words: str) -> str | None:
    program = shutil.which("git")
    if program is None or not (ROOT / ".git").exists():
        return None
    done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else None


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
