"""Measures the engines, one after the other, each for so many seconds; all of them unless some are named.

    .venv/bin/python -m bench.peers 60 [dbos temporal restate] [--json]

An engine that cannot be installed or run here is skipped aloud. `--json`: a line of JSON each on stdout.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.peers import CannotMeasure, Measured, Skipped, engine_of, install
from bench.peers.engines import PEERS
from bench.peers.rig import Rig
from embedded import CannotRunPostgres, ServerDidNotStart

ENGINES = sorted({engine_of(name) for name in PEERS})


def measure(seconds: float, engines: list[str]) -> Iterator[Measured | Skipped]:
    """Every mode of each of `engines`."""
    for name, peer in PEERS.items():
        if engine_of(name) in engines:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    yield peer(Rig(install.python(), Path(folder), seconds))
                except (CannotMeasure, CannotRunPostgres, ServerDidNotStart, OSError) as error:
                    yield Skipped(name, str(error))


def printed(it: Measured | Skipped) -> str:
    if isinstance(it, Skipped):
        return f"{it.name:<17} SKIPPED: {it.why}"
    cpu = "  ".join(f"{name} {value:.2f}" for name, value in it.cpu_ms.items())
    return (
        f"{it.name:<17} {it.per_second:6.0f} registrations/s  CPU ms each: {sum(it.cpu_ms.values()):.2f}:  {cpu}"
        f"  ({it.version})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("engines", nargs="*", metavar="engine", help=", ".join(ENGINES))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.engines) - set(ENGINES):
        parser.error(f"no such engine: {', '.join(sorted(unknown))}; there are {', '.join(ENGINES)}")
    for it in measure(asked.seconds, asked.engines or ENGINES):
        print(json.dumps(asdict(it)) if asked.json else printed(it), flush=True)


if __name__ == "__main__":
    main()
