"""Worlds for random lives: a real PostgreSQL and a real mail server, a database of its own for each life."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from embedded.mailbox import Mailbox, mailbox
from embedded.postgres import Postgres, postgres
from shared.migrations import migrate
from shared.topics import SERVICES
from tests.lifecycle.world import World

TEMPLATE = "lives"

_numbers = itertools.count(1)

NewWorld = Callable[..., Awaitable[World]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """With a database that has all tables: copying it is quicker than making it."""
    with postgres(tmp_path_factory.mktemp("postgres")) as running:
        url = running.create_database(TEMPLATE)
        for service in SERVICES:
            asyncio.run(migrate(url, service))
        yield running


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.fixture
async def new_world(server: Postgres, box: Mailbox) -> AsyncIterator[NewWorld]:
    async with AsyncExitStack() as stack:

        async def new_world(seed: int, policy: str) -> World:
            name = f"life_{next(_numbers)}"
            owner = await asyncpg.connect(server.url)
            await owner.execute(f"create database {name} template {TEMPLATE}")
            await owner.close()
            world = World(server.create_database(name), box, seed, policy)
            stack.push_async_callback(world.close)
            await world.open()
            return world

        yield new_world
