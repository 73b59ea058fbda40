"""The people of a run with everything: customers who open the link in their mail and confirm, staff who approve.

As many as CUSTOMERS and STAFF act at once, each on a connection of its own. A reviewer turns to a case once the group
of approver has committed its confirmation, which is when the case is there.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench import MAILS_EACH
from bench.asking import Asking, get, post
from bench.driver import Message, clients, publish
from bench.letters import Letters
from bench.room import Programs, Room
from shared.topics import PARTITIONS

CUSTOMERS = STAFF = 32
LOOK = 0.05  # seconds


class WrongAnswer(Exception):
    """A page did not answer as it answers people."""


@dataclass
class Crowd:
    """Take what waits in turn."""

    url: str
    size: int
    act: Callable[[Asking, str], Awaitable[None]]
    waiting: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        return [tasks.create_task(self._person()) for _ in range(self.size)]

    async def _person(self) -> None:
        asking = Asking(self.url)
        try:
            while True:
                await self.act(asking, await self.waiting.get())
        finally:
            asking.close()


async def answered(asking: Asking, request: bytes, expected: int) -> None:
    status = await asking.ask(request)
    if status != expected:
        line = request.split(b"\r\n", 1)[0].decode()
        raise WrongAnswer(f"{line}: {status}; expected {expected}")


def customers(url: str) -> Crowd:
    """Wait for links."""

    async def confirm(asking: Asking, link: str) -> None:
        await answered(asking, get(url, link), 200)
        await answered(asking, post(url, f"{link}/confirm"), 200)

    return Crowd(url, CUSTOMERS, confirm)


def staff(url: str, cookies: str) -> Crowd:
    """Wait for ids of registrations."""

    async def approve(asking: Asking, registration_id: str) -> None:
        await answered(asking, post(url, f"/cases/{registration_id}/approve", "note=", cookies), 303)

    return Crowd(url, STAFF, approve)


class Cases:
    """Which confirmations approver has stored."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._confirmed: defaultdict[TopicPartition, deque[tuple[int, str]]] = defaultdict(deque)

    def confirmed(self, place: TopicPartition, offset: int, registration_id: str) -> None:
        self._confirmed[place].append((offset, registration_id))

    async def follow(self, bootstrap: str, stored: Callable[[str], None]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            while True:
                await asyncio.sleep(LOOK)
                if places := [place for place, some in self._confirmed.items() if some]:
                    committed = await admin.list_consumer_group_offsets(self._group, partitions=places)
                    for place in places:
                        some, upto = self._confirmed[place], committed[place].offset
                        while some and some[0][0] < upto:
                            stored(some.popleft()[1])
        finally:
            await admin.close()


async def lived(there: Room, programs: Programs, requests: Sequence[Message], letters: Letters, cookies: str) -> None:
    """Requests all at once, and does what people do until all is over. `cookies`: of a reviewer."""
    await lived_with(there, programs, len(requests), publish(there, requests), letters, cookies)


async def lived_with(
    there: Room,
    programs: Programs,
    count: int,
    requesting: Coroutine[Any, Any, None],
    letters: Letters,
    cookies: str,
    approved: Callable[[int], None] = lambda _count: None,
) -> None:
    """While somebody is `requesting`, and until all `count` are approved and all their mails have come. Told: how many
    are approved so far."""
    customer, reviewer = customers(programs.urls["notifier"]), staff(programs.urls["approver"], cookies)
    cases = Cases(f"{there.settings.kafka_topic_prefix}approver")
    bootstrap = there.settings.kafka_bootstrap_servers
    async with AsyncExitStack() as stack:
        _producer, consumer = await stack.enter_async_context(clients(there))
        await stack.enter_async_context(letters.read(lambda letter: customer.waiting.put_nowait(letter.link)))
        async with asyncio.TaskGroup() as tasks:
            busy = [*customer.begin(tasks), *reviewer.begin(tasks)]
            busy.append(tasks.create_task(cases.follow(bootstrap, reviewer.waiting.put_nowait)))
            tasks.create_task(requesting)
            await _approved(there, consumer, cases, count, approved)
            await letters.all_of(MAILS_EACH * count)
            for task in busy:
                task.cancel()


async def _approved(
    there: Room, consumer: AIOKafkaConsumer, cases: Cases, count: int, told: Callable[[int], None]
) -> None:
    confirmed, over = there.topic("customer-confirmed.v1"), there.topic("registration-approved.v1")
    consumer.assign([TopicPartition(it, number) for it in (confirmed, over) for number in range(PARTITIONS)])
    done: set[bytes] = set()
    while len(done) < count:
        for place, records in (await consumer.getmany(timeout_ms=200)).items():
            if place.topic == confirmed:
                for it in records:
                    cases.confirmed(place, it.offset, it.key.decode())
            else:
                done.update(it.key for it in records)
                told(len(done))
