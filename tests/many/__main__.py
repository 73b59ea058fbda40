"""Three brokers, a PostgreSQL server for each service, 3 registrars, 2 notifiers, 2 approvers and 2 portals.

    .venv/bin/python -m tests.many            (make many)

Under load one registrar is killed, then one broker, then every instance is restarted in turn as an update does. Prints
how the work was shared and how long a request waited at most meanwhile; the checker judges what is left. Exit status 1
where a promise is broken.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from commands.kafka import apply_topics
from embedded import report_to_stderr
from embedded.kafka import Kafka
from embedded.kafka_cluster import BROKERS, bootstrap_servers, kafka_cluster
from embedded.ports import free_port
from embedded.postgres import Postgres, postgres
from shared.migrations import migrate
from shared.observability import quiet_clients
from shared.settings import KafkaSettings
from shared.topics import SERVICES
from tests.many.campaign import Campaign

PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class Site:
    brokers: Sequence[Kafka]
    databases: dict[str, Postgres]

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(kafka_bootstrap_servers=bootstrap_servers(self.brokers))

    @property
    def urls(self) -> dict[str, str]:
        return {service: server.url for service, server in self.databases.items()}


@contextmanager
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        databases = {
            service: stack.enter_context(postgres(Path(name) / service, disposable=True)) for service in SERVICES
        }
        yield Site(stack.enter_context(kafka_cluster(Path(name) / "kafka", report_to_stderr)), databases)


async def run(made: Site, folder: Path) -> int:
    for service, url in made.urls.items():
        await migrate(url, service)
    await apply_topics(made.kafka, BROKERS, PARTITIONS)
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": made.kafka.kafka_bootstrap_servers,
        "SMTP_URL": f"smtp://127.0.0.1:{(port := free_port())}",
    }
    begun = time.monotonic()
    report = await Campaign(made.kafka, made.urls, made.brokers, environment, folder, port).run()
    print("\n".join(report.lines()), f"in {time.monotonic() - begun:.0f} s", sep="\n")
    return 1 if report.broken or report.findings else 0


def main() -> int:
    quiet_clients()
    folder = Path(tempfile.mkdtemp(prefix="many-"))
    with site() as made:
        return asyncio.run(run(made, folder))


if __name__ == "__main__":
    sys.exit(main())
