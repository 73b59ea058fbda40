"""What else goes wrong while services are killed. A campaign draws from this list, and waits for each to be over.

One more is one more function and one more line at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import asyncpg

from embedded import Servers
from shared.topics import SERVICES
from tests.torture.fleet import Fleet
from tests.torture.postbox import Postbox

_BREAK = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1"


@dataclass(frozen=True, slots=True)
class Scene:
    """What may be disturbed."""

    servers: Servers
    database_url: str
    fleet: Fleet
    postbox: Postbox


Disturbance = Callable[[Scene, Random], Awaitable[None]]


async def postgres_is_killed(scene: Scene, _chance: Random) -> None:
    assert scene.servers.postgres
    await asyncio.to_thread(scene.servers.postgres.kill)
    await asyncio.to_thread(scene.servers.postgres.start)


async def kafka_is_killed(scene: Scene, _chance: Random) -> None:
    assert scene.servers.kafka
    await asyncio.to_thread(scene.servers.kafka.kill)
    await asyncio.to_thread(scene.servers.kafka.start)


async def connections_to_postgres_break(scene: Scene, chance: Random) -> None:
    """Those of one service: in the middle of transactions, and the relay's with its lock."""
    owner = await asyncpg.connect(scene.database_url)
    try:
        await owner.execute(_BREAK, chance.choice(SERVICES))
    finally:
        await owner.close()


async def mail_server_is_away(scene: Scene, chance: Random) -> None:
    await asyncio.to_thread(scene.postbox.stop)
    await asyncio.sleep(chance.uniform(0.5, 3))
    await asyncio.to_thread(scene.postbox.start)


async def a_service_is_frozen(scene: Scene, chance: Random) -> None:
    """As by a machine that swaps, or a virtual one that is moved."""
    await scene.fleet.freeze(chance.choice(SERVICES), chance.uniform(1, 4))


DISTURBANCES: list[tuple[Disturbance, int]] = [
    (connections_to_postgres_break, 10),
    (a_service_is_frozen, 5),
    (mail_server_is_away, 5),
    (postgres_is_killed, 1),
    (kafka_is_killed, 1),
]
"""With how likely each is."""
