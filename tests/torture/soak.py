"""Hours of work, shortened: a steady mixed load with restarts, in which nothing may grow that should not.

    .venv/bin/python -m tests.torture.soak 45            (make soak)

Every few minutes one service is told to stop and started again, in turn, as a rolling update does. Every ten seconds
the memory and the open files of each service are noted, and what PostgreSQL keeps of rows that are gone. At last
everything drains and the checker judges it. Writes the page `docs/explanation/soak.md` and its plots, or where
`--results` says; exit status 1 where something grew, or a promise was broken.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from bench.machine import ROOT, hardware, stamp
from commands.kafka import apply_topics
from commands.migrate import migrate_all
from shared.observability import quiet_clients
from shared.settings import DatabaseSettings, KafkaSettings
from shared.topics import SERVICES
from tests.torture.__main__ import PARTITIONS, site
from tests.torture.campaign import Campaign
from tests.torture.fleet import Fleet
from tests.torture.load import Fate
from tests.torture.plan import Plan
from tests.torture.report import Report
from tests.torture.soaked import Look, grown, page, plots

RESULTS = ROOT / "docs" / "explanation"
EVERY = 10.0  # seconds between two looks
APART = 180.0  # seconds between two restarts, each of another service
MIX = {
    Fate.AGREE: 0.25,
    Fate.REVIEWED: 0.25,
    Fate.DECLINE: 0.1,
    Fate.IGNORE: 0.1,
    Fate.REGRET: 0.1,
    Fate.REFUSED: 0.1,
    Fate.WITHDRAWN: 0.1,
}
RATE = 10  # registrations a second
_TABLES = """
    select coalesce(sum(n_dead_tup)::float / nullif(sum(n_dead_tup + n_live_tup), 0), 0) as dead,
        sum(pg_total_relation_size(relid)) filter (where relname = 'outbox') / 1e6 as outbox_mb,
        sum(pg_total_relation_size(relid)) / 1e6 as all_mb, sum(n_live_tup) as rows
    from pg_stat_user_tables
"""


@dataclass
class Watching:
    database_url: str
    looks: list[Look] = field(default_factory=list)

    async def __call__(self, fleet: Fleet) -> None:
        """Until cancelled."""
        begun = time.monotonic()
        database = await asyncpg.connect(self.database_url)
        while True:
            await asyncio.sleep(EVERY)
            pids = {name: pid for name in SERVICES if (pid := fleet.pid(name))}
            tables = {name: float(value) for name, value in (await database.fetchrow(_TABLES)).items()}
            memory = {name: _resident_mb(pid) for name, pid in pids.items()}
            files = {name: _open_files(pid) for name, pid in pids.items()}
            self.looks.append(Look(time.monotonic() - begun, memory, files, **tables))
            if len(self.looks) % 30 == 0:
                print(f"{self.looks[-1].at:6.0f} s  {memory}  {files}", flush=True)


@dataclass(frozen=True, slots=True)
class Restarts:
    """In place of deaths: each service is stopped in order and started again when its turn comes."""

    fleet: Fleet
    plan: Plan
    report: Report

    async def __call__(self, name: str, until: float) -> None:
        self.fleet.start(name, member=False)
        await self.fleet.ready(name)
        turn = APART * (1 + SERVICES.index(name))
        while time.monotonic() + turn < until:
            await asyncio.sleep(turn)
            begun = time.monotonic()
            await self.fleet.restart(name)
            self.report.recoveries.setdefault(name, []).append(time.monotonic() - begun)
            turn = APART * len(SERVICES) - (time.monotonic() - begun)


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(it.split()[1]) / 1024 for it in lines if it.startswith("VmRSS")), 0.0)


def _open_files(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


async def soak(minutes: float, folder: Path, made: Any) -> tuple[Report, list[Look]]:
    database = DatabaseSettings(database_url=SecretStr(made.database_url))
    kafka = KafkaSettings(kafka_bootstrap_servers=made.kafka.bootstrap_servers)
    await asyncio.gather(migrate_all(database), apply_topics(kafka, 1, PARTITIONS))
    plan = Plan(
        seed=1,
        deaths={},
        mix=MIX,
        seconds=60 * minutes,
        rate=RATE,
        valid_for=timedelta(seconds=90),
        remind_before=timedelta(seconds=30),
        patience=100.0,
    )
    watching = Watching(made.database_url)
    campaign = Campaign(plan, kafka, made.database_url, os.environ, folder, lives=Restarts, beside=watching)
    return await campaign.run(), watching.looks


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=45.0)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    asked = parser.parse_args()
    quiet_clients()
    about = {**stamp(), **hardware()}
    with site() as made:
        report, looks = asyncio.run(soak(asked.minutes, Path(tempfile.mkdtemp(prefix="soak-")), made))
    print("\n".join(report.lines()))
    asked.results.mkdir(parents=True, exist_ok=True)
    restarts = sum(map(len, report.recoveries.values()))
    text = page(about, asked.minutes, RATE, restarts, report, looks)
    (asked.results / "soak.md").write_text(text, encoding="utf-8")
    for name, plot in plots(looks).items():
        (asked.results / name).write_text(plot, encoding="utf-8")
    print("\n".join(problems := grown(looks)) or "nothing grew")
    return 0 if report.clean and not problems else 1


if __name__ == "__main__":
    sys.exit(main())
