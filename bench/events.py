"""How many registrations a second go from request to approval through the events of the four services.

    .venv/bin/python -m bench.events 20000 100000

The real services run as processes on real servers. The driver publishes the requests, answers each `RegistrationOpened`
with a confirmation and each confirmation with an approval, as notifier and approver would tell them; mails are written
and wait, none is sent. Measured from the first request until the last registration is approved everywhere: every event
read by all who read it, every outbox empty. The floor (bench/floor) does the same, in turns. What ours leaves behind is
judged by the checker, which may find nothing but that the driver spoke in the services' names.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from bench import NOTHING_SENT
from bench.drain import account, request
from bench.driver import Message, driven, messages, publish
from bench.judged import judge_events
from bench.measuring import Result, measured
from bench.room import Programs, Room, floor, naive, room, services
from bench.settled import floor_settled, naive_settled, settled
from embedded import Servers, servers
from shared.observability import quiet_clients

PATIENCE = 900.0  # seconds
NAIVE_SHARE = 10  # the naive programs are given one in so many: they take as long
Start = Callable[[Room, Path], AbstractContextManager[Programs]]
WAYS: dict[str, tuple[Start, Callable[[str, int], Awaitable[None]]]] = {
    "ours": (services, settled),
    "floor": (floor, floor_settled),
    "naive": (naive, naive_settled),
}


def measure(host: Servers, folder: Path, count: int, name: str = "ours") -> Result:
    """`name`: of one of WAYS; ours is judged by the checker. Raises TimeoutError, PromisesBroken."""
    assert host.postgres and host.kafka
    start, end = WAYS[name]
    with room(host, f"{name}_{count}", SMTP_URL=NOTHING_SENT) as there:
        asyncio.run(publish(there, messages(there, [account(number) for number in range(count)])))
        requests = messages(there, [request(number) for number in range(count)])
        with start(there, folder) as programs:
            pids = {it: started.pid for it, started in programs.processes.items()}
            everyone = pids | {"postgres": host.postgres.pid, "kafka": host.kafka.pid}
            with measured(name, count, everyone) as result:
                asyncio.run(_carried(there, requests, end))
        if name == "ours":
            asyncio.run(judge_events(there, count))
    return result


async def _carried(there: Room, requests: Sequence[Message], end: Callable[[str, int], Awaitable[None]]) -> None:
    """Raises TimeoutError: something was lost, as the naive programs may lose it."""
    async with asyncio.timeout(PATIENCE):
        await driven(there, requests)
        await end(there.database_url, len(requests))


def main(counts: list[int]) -> None:
    quiet_clients()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        for count in counts:
            for name in WAYS:
                given = count // NAIVE_SHARE if name == "naive" else count
                print("\n".join(measure(host, Path(folder), given, name).lines()), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [20_000])
