"""How many registrations a second go through everything: events, mails, pages.

    .venv/bin/python -m bench.throughput 2000 5000

As bench.events, but each mail is sent to a real mail server, each link that came by mail is opened and posted, and each
case is approved by a reviewer who has signed in. Measured from the first request until all is approved everywhere and
every mail has been received. The floor (bench/floor) does the same, in turns. What ours leaves behind is judged by the
checker.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.drain import account, request
from bench.driver import messages, publish
from bench.judged import judge
from bench.letters import sink
from bench.measuring import Result, measured
from bench.people import lived
from bench.room import Room, floor, room, services
from bench.settled import floor_settled, settled
from commands.demo.people import Browser
from embedded import Servers, servers
from shared.observability import quiet_clients

REVIEWER = "hoa@vng.example"


async def cookies_of_reviewer(url: str) -> str:
    async with Browser(url) as browser:
        await browser.sign_in("/cases", REVIEWER)
        return browser.cookies


def measure_ours(host: Servers, folder: Path, count: int) -> Result:
    """Raises PromisesBroken."""
    with sink(folder) as letters, filled(host, f"ours_all_{count}", count, letters.smtp_url) as there:
        requests = messages(there, [request(number) for number in range(count)])
        with services(there, folder) as programs:
            cookies = asyncio.run(cookies_of_reviewer(programs.urls["approver"]))
            pids = {it: started.pid for it, started in programs.processes.items()} | {"sink": letters.process.pid}
            with measured("ours", count, pids | _servers(host)) as result:
                asyncio.run(lived(there, programs, requests, letters, cookies))
                asyncio.run(settled(there.database_url, count, mailed=True))
        asyncio.run(judge(there, letters.letters()))
    return result


def measure_floor(host: Servers, folder: Path, count: int) -> Result:
    with sink(folder) as letters, filled(host, f"floor_all_{count}", count, letters.smtp_url) as there:
        requests = messages(there, [request(number) for number in range(count)])
        with floor(there, folder) as programs:
            pids = {it: started.pid for it, started in programs.processes.items()} | {"sink": letters.process.pid}
            with measured("floor", count, pids | _servers(host)) as result:
                asyncio.run(lived(there, programs, requests, letters, cookies="session=as-long-as-ours" + 300 * "."))
                asyncio.run(floor_settled(there.database_url, count, mailed=True))
    return result


@contextmanager
def filled(host: Servers, name: str, count: int, smtp_url: str) -> Iterator[Room]:
    """A room with the accounts of so many customers."""
    with room(host, name, SMTP_URL=smtp_url) as there:
        asyncio.run(publish(there, messages(there, [account(number) for number in range(count)])))
        yield there


def _servers(host: Servers) -> dict[str, int]:
    assert host.postgres and host.kafka
    return {"postgres": host.postgres.pid, "kafka": host.kafka.pid}


WAYS = {"ours": measure_ours, "floor": measure_floor}


def main(counts: list[int]) -> None:
    quiet_clients()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        for count in counts:
            for measure in WAYS.values():
                print("\n".join(measure(host, Path(folder), count).lines()), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [2_000])
