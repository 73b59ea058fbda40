"""What a registration costs with many already stored.

    .venv/bin/python -m bench.growth 100000 1000000 10000000        (make bench-growth)

As bench.events, with nothing stored and then with each of these numbers: the rows of the first run are copied under new
keys (bench/multiply.py). Prints what a registration cost of the services' and PostgreSQL's processor time, the sizes of
tables and indexes, and the rows that wait to be vacuumed. Writes `growth.json` into `bench/results`, or where
`--results` says. Ten million take about 60 GB and an hour or more.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from bench import NOTHING_SENT
from bench.drain import account, request
from bench.drained import drained
from bench.driver import driven, messages, publish
from bench.machine import ROOT, hardware, stamp
from bench.measuring import Result, measured
from bench.multiply import keep_template, multiply
from bench.room import Room, retold, room, services
from embedded import Servers, servers
from shared.observability import quiet_clients
from shared.topics import SERVICES

RESULTS = ROOT / "bench" / "results"
MEASURED = 10_000  # registrations a run
RUNS = 3
PAID_BY = (*SERVICES, "postgres")

_SIZES = """
    select schemaname || '.' || relname as name,
        pg_table_size(relid) as rows_bytes, pg_indexes_size(relid) as index_bytes,
        n_live_tup as live, n_dead_tup as dead, autovacuum_count as vacuums
    from pg_stat_user_tables where schemaname <> 'template' order by pg_total_relation_size(relid) desc
"""


@dataclass(frozen=True, slots=True)
class Point:
    """`stored` before the first of the runs."""

    stored: int
    runs: list[Result]
    sizes: list[dict[str, Any]]

    @property
    def cost(self) -> float:
        """Milliseconds of the services' and PostgreSQL's processor time for one registration: the runs' median."""
        return median(map(_cost, self.runs))

    def lines(self) -> list[str]:
        costs = ", ".join(f"{_cost(it):.2f}" for it in self.runs)
        rate = median(it.rate for it in self.runs)
        rows, indexes, live, dead, vacuums = (
            sum(table[it] for table in self.sizes) for it in ("rows_bytes", "index_bytes", "live", "dead", "vacuums")
        )
        outboxes = sum(it["rows_bytes"] + it["index_bytes"] for it in self.sizes if it["name"].endswith(".outbox"))
        mb = [f"{it / 1e6:,.1f} MB" for it in (rows, indexes, outboxes)]
        return [
            f"{self.stored:>10,} stored: {self.cost:.2f} ms each of services and PostgreSQL ({costs}), {rate:.0f}/s",
            f"{'':>10} tables {mb[0]}, indexes {mb[1]}, of these outboxes {mb[2]}",
            f"{'':>10} rows {live:,}, dead ones {dead:,}, autovacuum ran {vacuums} times",
        ]


def _cost(run: Result) -> float:
    return sum(run.cpu_ms[name] for name in PAID_BY)


def grown(host: Servers, folder: Path, sizes: list[int]) -> Iterator[Point]:
    """The cost with nothing stored, and with each of `sizes`."""
    with room(host, "growth", SMTP_URL=NOTHING_SENT) as there:
        copies = customers = 0
        for before, stored in pairwise([0, 0, *sizes]):
            if stored > before:
                begun, wanted = time.monotonic(), (stored - customers) // MEASURED
                asyncio.run(multiply(there.database_url, copies + 1, copies + wanted))
                copies += wanted
                print(f"           filled to {stored:,} in {time.monotonic() - begun:.0f} s", flush=True)
            point = Point(stored, [], [])
            for _run in range(RUNS):
                point.runs.append(_measure(host, there, folder, customers))
                customers += MEASURED
                if stored == 0 and len(point.runs) == 1:
                    asyncio.run(keep_template(there.database_url))
            point.sizes.extend(asyncio.run(_sizes(there.database_url)))
            yield point


def _measure(host: Servers, there: Room, folder: Path, first: int) -> Result:
    """MEASURED registrations of customers from number `first` on, in topics of their own."""
    assert host.postgres and host.kafka
    numbers = range(first, first + MEASURED)
    with retold(there, f"from_{first}") as here:
        asyncio.run(publish(here, messages(here, [account(number) for number in numbers])))
        requests = messages(here, [request(number) for number in numbers])
        with services(here, folder) as programs:
            pids = {it: started.pid for it, started in programs.processes.items()}
            everyone = pids | {"postgres": host.postgres.pid, "kafka": host.kafka.pid}
            with measured("growth", MEASURED, everyone) as result:
                asyncio.run(_carried(here, requests))
    return result


async def _carried(here: Room, requests: list[Any]) -> None:
    await driven(here, requests)
    await drained(here)


async def _sizes(url: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    rows = [dict(row) for row in await connection.fetch(_SIZES)]
    await connection.close()
    return rows


def ratio(points: list[Point], stored: int, base: int = 100_000) -> float | None:
    """What one costs with so many stored, over what it costs with `base`; None where either was not measured."""
    costs = {it.stored: it.cost for it in points}
    return costs[stored] / costs[base] if stored in costs and base in costs else None


def main() -> None:
    quiet_clients()
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    asked = parser.parse_args()
    about, points = {**stamp(), **hardware()}, []
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        for point in grown(host, Path(folder), sorted(asked.sizes)):
            points.append(point)
            print("\n".join(point.lines()), flush=True)
            _write(asked.results, about, points)


def _write(folder: Path, about: dict[str, Any], points: list[Point]) -> None:
    """After each point: who stops an hour's run keeps what was measured."""
    found = {
        **about,
        "growth_ratio_1m": ratio(points, 1_000_000),
        "growth_ratio_10m": ratio(points, 10_000_000),
        "points": [
            {
                "stored": it.stored,
                "cost_ms": it.cost,
                "per_s": median(run.rate for run in it.runs),
                "cpu_ms": [run.cpu_ms for run in it.runs],
                "tables": it.sizes,
            }
            for it in points
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "growth.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
