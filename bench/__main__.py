"""All comparisons in one run: ours, the floor, the naive way, other engines.

    .venv/bin/python -m bench            (make bench: under half an hour)
    .venv/bin/python -m bench --quick    (make bench-quick: a few minutes, one round, no other engines)

What is compared takes turns on the same servers, round after round; each of the engines has a server of its own, when
ours are stopped. Prints a table, and writes `latest.json` and plots into `bench/results`, or where `--results` says.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bench import events, latency, throughput
from bench.machine import ROOT, hardware, stamp, versions
from bench.measuring import Result
from bench.peers.__main__ import ENGINES, printed
from bench.peers.__main__ import measure as measure_peers
from bench.plots import plots
from bench.summary import Found, flat
from bench.tables import table
from embedded import Servers, servers
from shared.observability import quiet_clients

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True)
class Plan:
    """Registrations for each, or seconds for each rate and each engine; 0: not at all. `large`: events once more, with
    so many, ours and the floor."""

    rounds: int
    events: int
    naive: int
    large: int
    throughput: int
    rate_seconds: float
    peer_seconds: float
    rates: Sequence[float]


FULL = Plan(
    rounds=3,
    events=20_000,
    naive=2_000,
    large=100_000,
    throughput=5_000,
    rate_seconds=30.0,
    peer_seconds=60.0,
    rates=latency.RATES,
)
QUICK = Plan(
    rounds=1,
    events=5_000,
    naive=500,
    large=0,
    throughput=1_000,
    rate_seconds=10.0,
    peer_seconds=0.0,
    rates=(100.0,),
)


def measure(plan: Plan) -> Found:
    found = Found(about={**stamp(), **hardware()})
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        found.about |= asyncio.run(versions(host.database_url))
        for _ in range(plan.rounds):
            counts = {"ours": plan.events, "floor": plan.events, "naive": plan.naive}
            _in_turn(found.events, _events(host, Path(folder), counts))
            _in_turn(found.throughput, _throughput(host, Path(folder), plan.throughput))
        _in_turn(found.large, _events(host, Path(folder), {"ours": plan.large, "floor": plan.large}))
        for rate in plan.rates if plan.rate_seconds else ():
            found.latencies.append(latency.measure(host, Path(folder), rate, plan.rate_seconds))
            print("\n".join(latency.lines(found.latencies[-1])), flush=True)
    for it in measure_peers(plan.peer_seconds, ENGINES) if plan.peer_seconds else ():
        found.peers.append(it)
        print(printed(it), flush=True)
    return found


def _events(host: Servers, folder: Path, counts: dict[str, int]) -> Iterator[Result]:
    for name, count in counts.items():
        if count:
            yield events.measure(host, folder, count, name)


def _throughput(host: Servers, folder: Path, count: int) -> Iterator[Result]:
    for carry in throughput.WAYS.values() if count else ():
        yield carry(host, folder, count)


def _in_turn(rounds: defaultdict[str, list[Result]], results: Iterator[Result]) -> None:
    for it in results:
        rounds[it.name].append(it)
        print("\n".join(it.lines()), flush=True)


def stored_growth(folder: Path) -> dict[str, Any]:
    """What `make bench-growth` stored, if it did."""
    path = folder / "growth.json"
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return stored


def write(folder: Path, summary: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    for name, plot in plots(summary).items():
        (folder / name).write_text(plot, encoding="utf-8")


def wanted(arguments: Sequence[str]) -> tuple[Plan, Path]:
    parser = argparse.ArgumentParser(prog="python -m bench", description="All comparisons in one run.")
    parser.add_argument("--quick", action="store_true", help="one round with few, no other engines")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    parser.add_argument("--rates", type=float, nargs="+", help="registrations a second, for the waits")
    for field in fields(Plan):
        if field.name != "rates":
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=field.type, metavar="N")
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    given = {it.name: value for it in fields(Plan) if (value := getattr(asked, it.name)) is not None}
    return replace(plan, **given), asked.results


def main(arguments: Sequence[str]) -> None:
    quiet_clients()
    plan, results = wanted(arguments)
    found = measure(plan)
    found.growth = stored_growth(RESULTS)
    summary = flat(found)
    write(results, summary)
    print("\n".join(table(summary)))
    print(f"\nwritten: {results / 'latest.json'} and plots beside it")


if __name__ == "__main__":
    main(sys.argv[1:])
