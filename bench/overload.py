"""What five times the load that the services can carry does to them, and what they do once it is over.

    .venv/bin/python -m bench.overload 10

First the sustainable load is measured: registrations that go from request to approval as fast as they can. Then five
times as many a second are requested for so many minutes (10), whether or not they are carried. Every ten seconds: how
many wait, how long the oldest has waited, and the memory of each service. At last everything drains, and every
registration must be approved. Exit status 1 where one is not, or where a service's memory in the last third of the
overload is more than GROWTH times that in the first.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from bench import NOTHING_SENT
from bench.drain import account, new_producer, request, resident_mb
from bench.driver import answers, driven, messages, publish
from bench.room import Room, room, services
from bench.settled import settled
from embedded import servers
from embedded.process import Process
from shared.topics import SERVICES

TIMES = 5
MEASURED = 5_000  # registrations
EVERY = 10.0  # seconds
AT_ONCE = 0.1  # seconds of requests that are sent together
GROWTH = 1.5


@dataclass
class Seen:
    """`requested`: when and how many so far. `memory`: of each service, in MB, at each look."""

    memory: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SERVICES})
    requested: deque[tuple[float, int]] = field(default_factory=deque)
    longest_wait: float = 0.0

    def look(self, processes: dict[str, Process], done: int, begun: float, now: float) -> None:
        for name, it in processes.items():
            self.memory[name].append(resident_mb(it.pid))
        total = self.requested[-1][1] if self.requested else 0
        while self.requested and self.requested[0][1] <= done:
            self.requested.popleft()
        wait = now - self.requested[0][0] if self.requested else 0.0
        self.longest_wait = max(self.longest_wait, wait)
        memory = "  ".join(f"{name} {values[-1]:.0f}" for name, values in self.memory.items())
        print(f"{now - begun:6.0f} s  waiting {total - done:>8,}  oldest for {wait:4.0f} s  MB: {memory}", flush=True)


async def requests_at(there: Room, rate: float, seconds: float, first: int, seen: Seen) -> int:
    """Open loop: sent when they are due. How many."""
    producer = new_producer(there.settings.kafka_bootstrap_servers)
    await producer.start()
    begun, sent = time.monotonic(), 0
    try:
        while (passed := time.monotonic() - begun) < seconds:
            for _ in range(int(passed * rate) - sent):
                event = request(first + sent)
                topic = there.topic("registration-requested.v1")
                await producer.send(topic, event.model_dump_json().encode(), key=event.key.encode())
                sent += 1
            seen.requested.append((time.monotonic(), sent))
            await asyncio.sleep(AT_ONCE)
    finally:
        await producer.stop()
    return sent


async def overload(
    there: Room, processes: dict[str, Process], rate: float, seconds: float, most: int
) -> tuple[int, Seen]:
    """Requests beyond what is carried, then the rest until all are approved. How many there were."""
    seen, done, begun = Seen(), 0, time.monotonic()

    def approved(count: int) -> None:
        nonlocal done
        done = count

    async def watch() -> None:
        while True:
            await asyncio.sleep(EVERY)
            seen.look(processes, done, begun, time.monotonic())

    wanted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    answering = asyncio.create_task(answers(there, wanted, approved, skipped=MEASURED))
    watching = asyncio.create_task(watch())
    sent = await requests_at(there, rate, seconds, MEASURED, seen)
    print(f"{time.monotonic() - begun:6.0f} s  the overload is over: {sent:,} registrations were requested", flush=True)
    assert sent <= most, "there are too few accounts"
    wanted.set_result(sent)
    await answering
    print(f"{time.monotonic() - begun:6.0f} s  all {sent:,} are approved", flush=True)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return sent, seen


def run(there: Room, folder: Path, minutes: float) -> bool:
    asyncio.run(publish(there, messages(there, [account(number) for number in range(MEASURED)])))
    requests = messages(there, [request(number) for number in range(MEASURED)])
    with services(there, folder) as programs:
        begun = time.perf_counter()
        asyncio.run(driven(there, requests))
        asyncio.run(settled(there.database_url, MEASURED))
        sustainable = MEASURED / (time.perf_counter() - begun)
        rate, seconds = TIMES * sustainable, 60 * minutes
        most = int(rate * seconds * 1.02) + 1000
        print(f"carried {sustainable:.0f}/s; requested now {rate:.0f}/s for {minutes:g} min", flush=True)
        asyncio.run(publish(there, messages(there, [account(MEASURED + number) for number in range(most)])))
        sent, seen = asyncio.run(overload(there, programs.processes, rate, seconds, most))
        asyncio.run(settled(there.database_url, MEASURED + sent))
    print(f"the oldest waited {seen.longest_wait:.0f} s; everything drained, each registration approved once")
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
    with (
        tempfile.TemporaryDirectory() as folder,
        servers(Path(folder), environ={}, quick_start=False) as host,
        room(host, "overload", SMTP_URL=NOTHING_SENT) as there,
    ):
        good = run(there, Path(folder), minutes)
    print("memory is bounded" if good else f"MEMORY GREW more than {GROWTH} times")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
