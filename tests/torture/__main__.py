"""The long campaign: `make torture`, or `python -m tests.torture MINUTES SEED`. Prints what happened, and what is
broken: then its exit status is 1."""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from commands.kafka import apply_topics
from commands.migrate import migrate_all
from embedded.ports import free_port
from embedded.postgres import postgres
from shared.observability import quiet_clients
from shared.settings import DatabaseSettings, KafkaSettings
from shared.topics import SERVICES
from tests.faults.disturbances import Site
from tests.faults.proxy import Proxy
from tests.faults.rig import proxied_kafka
from tests.torture.campaign import Campaign
from tests.torture.load import Fate
from tests.torture.plan import Plan, endless
from tests.torture.points import points_of

PARTITIONS = 6
MIX = {
    Fate.WITHDRAWN: 0.80,
    Fate.REFUSED: 0.10,
    Fate.AGREE: 0.05,
    Fate.REVIEWED: 0.01,
    Fate.DECLINE: 0.015,
    Fate.IGNORE: 0.015,
    Fate.REGRET: 0.01,
}


def plan(minutes: float, seed: int) -> Plan:
    return Plan(
        seed=seed,
        deaths={service: endless(service, points_of(service), seed) for service in SERVICES},
        mix=MIX,
        seconds=minutes * 60,
        rate=250,
        valid_for=timedelta(seconds=90),
        remind_before=timedelta(seconds=30),
        patience=100.0,
    )


async def campaign(of: Plan, site: Site, folder: Path) -> int:
    database = DatabaseSettings(database_url=SecretStr(site.database_url))
    kafka = KafkaSettings(kafka_bootstrap_servers=site.kafka.bootstrap_servers)
    await asyncio.gather(migrate_all(database), apply_topics(kafka, 1, PARTITIONS))
    report = await Campaign(of, kafka, site.database_url, os.environ, folder, site).run()
    print("\n".join(report.lines()), flush=True)
    return 0 if report.clean else 1


@contextmanager
def site() -> Iterator[Site]:
    """Servers of the campaign's own, behind proxies."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        database = stack.enter_context(postgres(Path(name) / "postgres", disposable=True))
        broker, before_kafka = stack.enter_context(proxied_kafka(Path(name) / "kafka", quick_start=False))
        before_postgres, before_smtp = (stack.enter_context(Proxy(port)) for port in (database.port, free_port()))
        proxies = {"kafka": before_kafka, "postgres": before_postgres, "smtp": before_smtp}
        yield Site(broker, database, database.url, proxies)


def main(minutes: float, seed: int) -> int:
    print(f"seed {seed}, {minutes:g} minutes", flush=True)
    quiet_clients()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    print(f"logs in {folder}", flush=True)
    with site() as made:
        return asyncio.run(campaign(plan(minutes, seed), made, folder))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2] if sys.argv[2:] else random.randrange(10**6))))
