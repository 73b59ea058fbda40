"""One fault after the other while registrations keep coming, and what was seen of each."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

from shared.topics import SERVICES
from tests.faults.disturbances import DISTURBANCES, UNREADY
from tests.faults.load import Load
from tests.faults.rig import Fleet, Rig, all_ready, is_ready

LOOK = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one fault, or of several at once. Times are in seconds: how long it lasted, when after its beginning all
    services had said that they were not ready (None: never all at once), when after its end all were ready again, and
    when a registration requested at its end had gone through registrar and back."""

    names: tuple[str, ...]
    lasted: float
    told_after: float | None
    ready_after: float
    flows_after: float

    @property
    def lied(self) -> bool:
        return self.told_after is None and bool(UNREADY & set(self.names))


async def suffer(made: Rig, fleet: Fleet, load: Load, names: Sequence[str], lasts: float, within: float) -> Seen:
    """A fault in which none may be ready lasts until all have said so, for up to `within` seconds: on a busy machine
    they may be asked once or twice while it `lasts`. Raises TimeoutError where they have not recovered in that time."""
    async with AsyncExitStack() as stack:
        for name in names:
            await stack.enter_async_context(DISTURBANCES[name](made.site))
        begun = time.monotonic()
        told_after = await _told_after(fleet, begun, within if UNREADY & set(names) else lasts)
        await asyncio.sleep(max(0.0, begun + lasts - time.monotonic()))
    ended = time.monotonic()
    probe = load.one_more()
    await all_ready(fleet, within)
    ready_after = time.monotonic() - ended
    await _flows(made, probe, within)
    return Seen(tuple(names), ended - begun, told_after, ready_after, time.monotonic() - ended)


async def _told_after(fleet: Fleet, begun: float, lasts: float) -> float | None:
    """When none of the services said any more that it was ready."""
    while time.monotonic() - begun < lasts:
        said = await asyncio.gather(*(fleet.readiness(service) for service in SERVICES))
        if not any(map(is_ready, said)):
            return time.monotonic() - begun
        await asyncio.sleep(LOOK)
    return None


async def _flows(made: Rig, probe: UUID, within: float) -> None:
    """Until the portal has heard from registrar of the registration."""
    sql = "select status from portal.registrations where registration_id = $1 and status <> 'requested'"
    try:
        async with asyncio.timeout(within):
            while not await made.rows(sql, probe):  # noqa: ASYNC110  # other processes bring it about
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise TimeoutError(f"after {within:.0f} s a registration had not gone through registrar and back") from None


def table(seen: Iterable[Seen]) -> list[str]:
    """A line for each kind of fault: how often, how long until it was told, until all was well again (longest)."""
    kinds: dict[str, list[Seen]] = {}
    for it in seen:
        kinds.setdefault(" + ".join(it.names), []).append(it)
    lines = [f"{'fault':34} {'times':>5} {'told':>6} {'ready':>6} {'flows':>6}   (longest, s)"]
    for name, them in sorted(kinds.items()):
        told = max((it.told_after for it in them if it.told_after is not None), default=None)
        ready, flows = max(it.ready_after for it in them), max(it.flows_after for it in them)
        lines.append(f"{name:34} {len(them):5} {'-' if told is None else f'{told:.1f}':>6} {ready:6.1f} {flows:6.1f}")
    return lines
