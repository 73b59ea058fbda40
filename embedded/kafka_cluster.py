"""Several brokers of one cluster, each also a controller, for tests of what happens when one is lost.

Every record is kept by all of them and acknowledged by two at least, and so are the offsets that groups commit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from embedded.folders import owned
from embedded.kafka import Kafka, Place, new_cluster, prepared
from embedded.ports import free_port

BROKERS = 3
PROPERTIES = """\
node.id={node}
controller.quorum.voters={voters}
default.replication.factor={brokers}
min.insync.replicas=2
offsets.topic.replication.factor={brokers}
transaction.state.log.replication.factor={brokers}
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor={brokers}
share.coordinator.state.topic.min.isr=2
"""


@contextlib.contextmanager
def kafka_cluster(folder: Path, report: Callable[[str], None], brokers: int = BROKERS) -> Iterator[Sequence[Kafka]]:
    """Running brokers with their data below `folder`, killed at the end. Raises as `kafka` does."""
    folder = folder.absolute()
    with owned(folder), contextlib.ExitStack() as stack:
        made_of = prepared(report, often=True)
        servers = []
        for node, place in enumerate(_places(brokers), start=1):
            home = folder / f"broker-{node}"
            stack.enter_context(owned(home))
            servers.append(Kafka(home, *made_of, place=place))
            stack.callback(servers[-1].kill)
        with ThreadPoolExecutor(brokers) as pool:
            list(pool.map(Kafka.start, servers))
        yield servers


def bootstrap_servers(servers: Sequence[Kafka]) -> str:
    """For a client's settings."""
    return ",".join(server.bootstrap_servers for server in servers)


def _places(brokers: int) -> list[Place]:
    cluster = new_cluster()
    controllers = [free_port() for _ in range(brokers)]
    voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(controllers, start=1))
    return [
        Place(
            controller_port=port,
            cluster=cluster,
            properties=PROPERTIES.format(node=node, voters=voters, brokers=brokers),
        )
        for node, port in enumerate(controllers, start=1)
    ]
