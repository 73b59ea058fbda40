"""A Kafka whose advertised address leads through a proxy, for the tests of a file, and a rig for each test."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.kafka import Kafka
from embedded.postgres import Postgres
from tests.databases import Databases
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig, proxied_kafka, rig


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kafka, Proxy]]:
    with proxied_kafka(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture
def made(
    broker: tuple[Kafka, Proxy],
    postgres_server: Postgres,
    databases: Databases,
    topic_prefix: str,
    tmp_path: Path,
) -> Iterator[Rig]:
    """Servers behind proxies, with tables and topics of the test's own."""
    with rig(tmp_path, postgres_server, asyncio.run(databases.migrated()), broker, topic_prefix) as ready:
        yield ready
