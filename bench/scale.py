"""What more instances of each service cost, and how they share the work.

    .venv/bin/python -m bench.scale 1 2 4        (make bench-scale)

As bench.events, in rounds, with so many instances of each of the four services. On two cores more of them cannot be
quicker: the figures show what a further instance costs, and whether each does its part. Writes `scale.json` into
`bench/results`, or where `--results` says.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench import NOTHING_SENT
from bench.drain import account, request
from bench.driver import driven, messages, publish
from bench.machine import ROOT, hardware, stamp
from bench.measuring import Result, measured
from bench.room import room, services
from bench.settled import settled
from embedded import Servers, servers
from shared.observability import quiet_clients
from shared.topics import SERVICES

RESULTS = ROOT / "bench" / "results"
MEASURED = 10_000  # registrations a run
ROUNDS = 3


def measure(host: Servers, folder: Path, instances: int) -> Result:
    assert host.postgres and host.kafka
    with room(host, f"scale_{instances}", SMTP_URL=NOTHING_SENT) as there:
        asyncio.run(publish(there, messages(there, [account(number) for number in range(MEASURED)])))
        requests = messages(there, [request(number) for number in range(MEASURED)])
        with services(there, folder, instances) as programs:
            pids = {it: started.pid for it, started in programs.processes.items()}
            everyone = pids | {"postgres": host.postgres.pid, "kafka": host.kafka.pid}
            with measured(f"{instances} each", MEASURED, everyone) as result:
                asyncio.run(driven(there, requests))
                asyncio.run(settled(there.database_url, MEASURED))
    return result


def by_service(result: Result) -> dict[str, list[float]]:
    """CPU in milliseconds for one registration: of each instance of each service."""
    return {name: [value for it, value in result.cpu_ms.items() if it.partition(" ")[0] == name] for name in SERVICES}


def point(instances: int, rounds: list[Result]) -> dict[str, Any]:
    """Medians of `rounds`. `share`: of a service's work, what its least and its most busy instance did."""
    costs: dict[str, float] = {}
    least, most = [], []
    for name in SERVICES:
        each = [by_service(it)[name] for it in rounds]
        costs[name] = median(map(sum, each))
        least += [min(it) / sum(it) for it in each]
        most += [max(it) / sum(it) for it in each]
    return {
        "instances": instances,
        "per_s": median(it.rate for it in rounds),
        "cpu_ms": costs | {it: median(result.cpu_ms[it] for result in rounds) for it in ("postgres", "kafka")},
        "share_least": median(least),
        "share_most": median(most),
        "peak_mb": max(max(it.peak_mb.values()) for it in rounds),
    }


def lines(found: dict[str, Any]) -> list[str]:
    cpu = "  ".join(f"{name} {value:.2f}" for name, value in found["cpu_ms"].items())
    shares = f"{100 * found['share_least']:.0f} to {100 * found['share_most']:.0f} %"
    return [
        f"{found['instances']} of each: {found['per_s']:.0f}/s, at most {found['peak_mb']:.0f} MB each",
        f"           an instance does {shares} of its service's work",
        f"           CPU ms each: {sum(found['cpu_ms'].values()):.2f}:  {cpu}",
    ]


def main() -> None:
    quiet_clients()
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("instances", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    asked = parser.parse_args()
    about = {**stamp(), **hardware()}
    rounds: dict[int, list[Result]] = {it: [] for it in asked.instances}
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        for _round in range(ROUNDS):
            for it in asked.instances:
                rounds[it].append(measure(host, Path(folder), it))
    points = [point(it, results) for it, results in rounds.items()]
    for found in points:
        print("\n".join(lines(found)))
    asked.results.mkdir(parents=True, exist_ok=True)
    summary = {**about, "rounds": ROUNDS, "registrations": MEASURED, "points": points}
    (asked.results / "scale.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
