"""What else goes wrong while services are killed. A campaign draws from this list, and waits for each to be over.

One more is one more function and one more line at the end; what `tests/faults` knows is drawn from there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random

import asyncpg

from shared.topics import SERVICES
from tests.faults import disturbances as faults
from tests.faults.disturbances import Site
from tests.faults.proxy import Fault
from tests.torture.fleet import Fleet
from tests.torture.postbox import Postbox

_BREAK = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1"


@dataclass(frozen=True, slots=True)
class Scene:
    """What may be disturbed."""

    site: Site
    fleet: Fleet
    postbox: Postbox


Disturbance = Callable[[Scene, Random], Awaitable[None]]


async def fault(name: str, scene: Scene, chance: Random) -> None:
    """One of `tests/faults`: of networks, seen through proxies, and of servers."""
    async with faults.DISTURBANCES[name](scene.site):
        await asyncio.sleep(chance.uniform(0.3, 3))


async def connections_to_postgres_break(scene: Scene, chance: Random) -> None:
    """Those of one service: in the middle of transactions, and the relay's with its lock."""
    owner = await asyncpg.connect(scene.site.database_url)
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


SERIOUS = frozenset(
    {
        *(f"{server} {Fault.HALF_OPEN}" for server in faults.SERVERS),
        *(f"{server} {how}" for server in ("kafka", "postgres") for how in ("stopped", "killed")),
    }
)
"""From these the services take longer to recover; they come less often, so that there is load between the faults."""

DISTURBANCES: dict[str, tuple[Disturbance, int]] = {
    "connections to postgres broken": (connections_to_postgres_break, 20),
    "service frozen": (a_service_is_frozen, 10),
    "mail server away": (mail_server_is_away, 10),
    **{name: (partial(fault, name), 1 if name in SERIOUS else 4) for name in faults.DISTURBANCES},
}
"""With how likely each is."""
