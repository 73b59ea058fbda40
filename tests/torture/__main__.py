"""The long campaign: `make torture`, or `python -m tests.torture MINUTES SEED`. Prints what happened, and what is
broken: then its exit status is 1."""

import asyncio
import os
import random
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from commands.kafka import apply_topics
from commands.migrate import migrate_all
from embedded import Servers, servers
from shared.settings import DatabaseSettings, KafkaSettings
from shared.topics import SERVICES
from tests.torture.campaign import Campaign
from tests.torture.load import Fate
from tests.torture.plan import Plan, endless
from tests.torture.points import points_of

PARTITIONS = 6
MIX = {
    Fate.WITHDRAWN: 0.70,
    Fate.REFUSED: 0.08,
    Fate.AGREE: 0.12,
    Fate.REVIEWED: 0.02,
    Fate.DECLINE: 0.03,
    Fate.IGNORE: 0.04,
    Fate.REGRET: 0.01,
}


def plan(minutes: float, seed: int) -> Plan:
    return Plan(
        seed=seed,
        deaths={service: endless(service, points_of(service), seed) for service in SERVICES},
        mix=MIX,
        seconds=minutes * 60,
        rate=160,
        valid_for=timedelta(seconds=90),
        remind_before=timedelta(seconds=30),
        pause=(2.0, 7.0),
        patience=100.0,
    )


async def campaign(of: Plan, running: Servers, folder: Path) -> int:
    database = DatabaseSettings(database_url=SecretStr(running.database_url))
    kafka = KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers)
    await asyncio.gather(migrate_all(database), apply_topics(kafka, 1, PARTITIONS))
    report = await Campaign(of, running, kafka, running.database_url, os.environ, folder).run()
    print("\n".join(report.lines()), flush=True)
    return 0 if report.clean else 1


def main(minutes: float, seed: int) -> int:
    print(f"seed {seed}, {minutes:g} minutes", flush=True)
    # The campaign has a mail server of its own, and nobody signs in.
    others = {"SMTP_URL": "smtp://127.0.0.1:1", "OIDC_ISSUER": "http://127.0.0.1:1"}
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    print(f"logs in {folder}", flush=True)
    with (
        tempfile.TemporaryDirectory() as data,
        servers(Path(data), environ=others, quick_start=False, disposable=True) as running,
    ):
        return asyncio.run(campaign(plan(minutes, seed), running, folder))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2] if sys.argv[2:] else random.randrange(10**6))))
