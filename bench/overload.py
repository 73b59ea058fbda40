"""What five times the load that the services can carry does to them, and what they do once it is over.

    .venv/bin/python -m bench.overload 10

First the sustainable load is measured as bench.throughput does: registrations a second through everything, every mail
sent, every link opened and posted, every case approved on its page. Then five times as many a second are requested for
so many minutes (10), whether or not they are carried, while customers and staff go on as before. Every ten seconds: how
many wait, how long the oldest has waited, how many mails have come, and the memory of each service. At last everything
drains, and the checker judges every registration. Exit status 1 where a promise is broken, or where a service's memory
in the last third of the time is more than GROWTH times that in the first.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from bench.drain import account, new_producer, request, resident_mb
from bench.drain import publish as publish_all
from bench.driver import Message, messages
from bench.judged import judge
from bench.letters import Letters, sink
from bench.people import lived_with
from bench.room import Programs, Room, room, services
from bench.settled import accounts_known, settled
from bench.throughput import cookies_of_reviewer, measure_ours
from embedded import Servers, servers
from embedded.process import Process
from shared.observability import quiet_clients
from shared.topics import SERVICES

TIMES = 5
MEASURED = 2_000  # registrations
EVERY = 10.0  # seconds
AT_ONCE = 0.1  # seconds of requests that are sent together
GROWTH = 1.5


@dataclass
class Seen:
    """`requested`: when and how many so far. `memory`: of each service, in MB, at each look."""

    memory: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SERVICES})
    requested: deque[tuple[float, int]] = field(default_factory=deque)
    approved: int = 0
    longest_wait: float = 0.0

    async def watch(self, processes: dict[str, Process], letters: Letters) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(EVERY)
            self._look(processes, len(letters.lines), begun, time.monotonic())

    def _look(self, processes: dict[str, Process], mails: int, begun: float, now: float) -> None:
        for name, it in processes.items():
            self.memory[name].append(resident_mb(it.pid))
        total = self.requested[-1][1] if self.requested else 0
        while len(self.requested) > 1 and self.requested[0][1] <= self.approved:
            self.requested.popleft()
        wait = now - self.requested[0][0] if total > self.approved else 0.0
        self.longest_wait = max(self.longest_wait, wait)
        memory = "  ".join(f"{name} {values[-1]:.0f}" for name, values in self.memory.items())
        waiting = total - self.approved
        print(
            f"{now - begun:6.0f} s  requested {total:>8,}  waiting {waiting:>8,}  oldest for {wait:4.0f} s  "
            f"mails {mails:>9,}  MB: {memory}",
            flush=True,
        )


async def requested_at(there: Room, rate: float, requests: list[Message], seen: Seen) -> None:
    """Open loop: sent when they are due."""
    producer = new_producer(there.settings.kafka_bootstrap_servers)
    await producer.start()
    begun, sent = time.monotonic(), 0
    try:
        while sent < len(requests):
            due = min(len(requests), int((time.monotonic() - begun) * rate))
            for topic, key, value in requests[sent:due]:
                await producer.send(topic, value, key=key)
            sent = due
            seen.requested.append((time.monotonic(), sent))
            await asyncio.sleep(AT_ONCE)
    finally:
        await producer.stop()
    took = time.monotonic() - begun
    print(
        f"the overload is over: {sent:,} registrations were requested in {took:.0f} s, {sent / took:.0f}/s", flush=True
    )


async def overload(
    there: Room, programs: Programs, rate: float, requests: list[Message], letters: Letters, cookies: str
) -> Seen:
    """Until all are approved and mailed."""
    seen = Seen()

    def approved(count: int) -> None:
        seen.approved = count

    watching = asyncio.create_task(seen.watch(programs.processes, letters))
    requesting = requested_at(there, rate, requests, seen)
    await lived_with(there, programs, len(requests), requesting, letters, cookies, approved)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return seen


def run(host: Servers, folder: Path, minutes: float) -> bool:
    """Raises PromisesBroken."""
    sustainable = measure_ours(host, folder, MEASURED).rate
    rate = TIMES * sustainable
    count = int(rate * 60 * minutes)
    print(f"carried {sustainable:.0f}/s; requested now {rate:.0f}/s for {minutes:g} min", flush=True)
    with sink(folder) as letters, room(host, "overload", SMTP_URL=letters.smtp_url) as there:
        kafka, prefix = there.settings.kafka_bootstrap_servers, there.settings.kafka_topic_prefix
        asyncio.run(publish_all(kafka, prefix, map(account, range(count))))
        requests = messages(there, [request(number) for number in range(count)])
        with services(there, folder) as programs:
            asyncio.run(accounts_known(there.database_url, count))
            cookies = asyncio.run(cookies_of_reviewer(programs.urls["approver"]))
            begun = time.monotonic()
            seen = asyncio.run(overload(there, programs, rate, requests, letters, cookies))
            asyncio.run(settled(there.database_url, count, mailed=True))
            print(f"all drained {time.monotonic() - begun:.0f} s after the first request", flush=True)
        asyncio.run(judge(there, letters.letters()))
    print(f"the oldest waited {seen.longest_wait:.0f} s; the checker finds nothing")
    return bounded(seen)


def bounded(seen: Seen) -> bool:
    good = True
    for name, values in seen.memory.items():
        third = max(1, len(values) // 3)
        first, last = max(values[:third]), max(values[-third:])
        good &= last <= GROWTH * first
        print(f"{name:<10} at most {first:.0f} MB in the first third, {last:.0f} MB in the last")
    return good


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    quiet_clients()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        good = run(host, Path(folder), minutes)
    print("memory is bounded" if good else f"MEMORY GREW more than {GROWTH} times")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
