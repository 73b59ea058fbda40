"""All services' pages on one database, shared by the tests of a module: each has a registration of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.access.house import House
from tests.databases import Databases
from tests.integration.conftest import partitions, processes, producer, publish, world

__all__ = ["partitions", "processes", "producer", "publish", "world"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(databases: Databases) -> AsyncIterator[House]:
    """Where nobody has had too many tries."""
    opened = House(await databases.migrated(), tries_limit=1_000_000)
    yield opened
    await opened.close()


@pytest.fixture
async def fresh_url(databases: Databases) -> str:
    return await databases.migrated()
