"""The same registration flow on engines for durable workflows that people would pick instead.

The programs in `dbos.py`, `temporal.py` and `restate.py` run in a virtual environment of their own, with the engines'
libraries (requirements.lock), and import nothing of the product. `engines.py` starts the servers, runs those programs
and belongs to the product's environment. Counted, by every engine alike: registrations that reached "approved" within
the window of a closed loop.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """`name`: the engine and its mode. `cpu_ms`: for one registration, by process. `version`: of library and server."""

    name: str
    per_second: float
    cpu_ms: dict[str, float]
    version: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """`why` it was not measured, and what would make it run."""

    name: str
    why: str


def engine_of(name: str) -> str:
    """An engine's modes are named after it, up to a hyphen."""
    return name.partition("-")[0]


class CannotMeasure(Exception):
    """An engine could not be installed or run. The message says why, and what would make it run."""
