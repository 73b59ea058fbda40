"""How many registrations a second go from request to approval through the events of the four services.

    .venv/bin/python -m bench.events 20000 100000

The real services run as processes on real servers. The driver publishes the requests, answers each `RegistrationOpened`
with a confirmation and each confirmation with an approval, as notifier and approver would tell them; mails are written
and wait, none is sent. Measured from the first request until the last registration is approved everywhere: every event
read by all who read it, every outbox empty. The floor (bench/floor) does the same, in turns.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import asyncpg

from bench.drain import account, request
from bench.driver import driven, messages, publish
from bench.measuring import Result, measured
from bench.room import Programs, Room, floor, room, services
from embedded import Servers, servers
from shared.observability import quiet_clients

NOTHING_SENT = "smtp://127.0.0.1:9"  # nobody listens: mails wait for a server that is away

APPROVED = (
    "select count(*) from registrar.registrations where status = 'approved'",
    "select count(*) from portal.registrations where status = 'approved'",
    "select count(*) from approver.cases where outcome = 'approved'",
)
OWED = (
    "select (select count(*) from registrar.outbox) + (select count(*) from portal.outbox)"
    " + (select count(*) from approver.outbox) + (select count(*) from notifier.outbox)"
)
MAILS = "select count(*) from notifier.emails where kind = 'partner_approved'"
FLOOR_APPROVED = (
    "select count(*) from floor.registrations where status = 'approved'",
    "select count(*) from floor.portal where status = 'approved'",
    "select count(*) from floor.cases where outcome = 'approved'",
    "select count(*) from floor.emails where kind = 'partner_approved'",
)


async def settled(database_url: str, count: int) -> None:
    """Until the services have read that all are approved, and owe nothing any more."""
    await until(database_url, {**dict.fromkeys((*APPROVED, MAILS), count), OWED: 0})


async def floor_settled(database_url: str, count: int) -> None:
    await until(database_url, dict.fromkeys(FLOOR_APPROVED, count))


async def until(database_url: str, wanted: dict[str, int]) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for sql, count in wanted.items():
            while await connection.fetchval(sql) != count:  # noqa: ASYNC110  # other processes bring it about
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


def measure(host: Servers, folder: Path, count: int, name: str = "ours") -> Result:
    """`name`: of one of WAYS."""
    assert host.postgres and host.kafka
    start, end = WAYS[name]
    there = room(host, f"{name}_{count}", SMTP_URL=NOTHING_SENT)
    asyncio.run(publish(there, messages(there, [account(number) for number in range(count)])))
    requests = messages(there, [request(number) for number in range(count)])
    with start(there, folder) as programs:
        pids = {it: started.pid for it, started in programs.processes.items()}
        everyone = pids | {"postgres": host.postgres.pid, "kafka": host.kafka.pid}
        with measured(name, count, everyone) as result:
            asyncio.run(driven(there, requests))
            asyncio.run(end(there.database_url, count))
    return result


Start = Callable[[Room, Path], AbstractContextManager[Programs]]
WAYS: dict[str, tuple[Start, Callable[[str, int], Coroutine[Any, Any, None]]]] = {
    "ours": (services, settled),
    "floor": (floor, floor_settled),
}


def main(counts: list[int]) -> None:
    quiet_clients()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        for count in counts:
            for name in WAYS:
                print("\n".join(measure(host, Path(folder), count, name).lines()), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [20_000])
