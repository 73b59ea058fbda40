"""Registrations that begin when they are due, whatever became of those before, and people who act at once.

Each has a customer and a reviewer of its own, on a connection that is free or opened anew: nobody waits for somebody
else to be done. Moments are on the machine's monotonic clock, in seconds, and are taken where the thing happens: the
mail server notes when it accepts a mail, Kafka when it appends a record; a case is open once PostgreSQL tells what
approver has committed, which open pages hear of too.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench import MAILS_EACH
from bench.asking import Asking, get, post
from bench.delays import NEVER, Life, due_at
from bench.driver import Message
from bench.letters import Letter, Letters
from bench.people import WrongAnswer, answered
from bench.room import Programs, Room
from shared.database import channel_of
from shared.topics import PARTITIONS

IDLE = 3.0  # seconds that a connection may wait; the services close it after five


class Moments:
    """When something happened to each registration, whether it is told before or after somebody waits for it."""

    def __init__(self) -> None:
        self._futures: dict[str, asyncio.Future[float]] = {}

    def of(self, registration_id: str) -> asyncio.Future[float]:
        if registration_id not in self._futures:
            self._futures[registration_id] = asyncio.get_running_loop().create_future()
        return self._futures[registration_id]

    def tell(self, registration_id: str, at: float) -> None:
        """The first time counts."""
        if not (moment := self.of(registration_id)).done():
            moment.set_result(at)


class Connections:
    """To one server, as many as are asked on at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._free: list[tuple[Asking, float]] = []

    async def ask(self, request: bytes, expected: int) -> None:
        """Raises WrongAnswer, OSError."""
        while self._free and time.monotonic() - self._free[-1][1] > IDLE:
            self._free.pop()[0].close()
        asking = self._free.pop()[0] if self._free else Asking(self.url)
        try:
            await answered(asking, request, expected)
        except BaseException:
            asking.close()
            raise
        self._free.append((asking, time.monotonic()))

    def close(self) -> None:
        for asking, _since in self._free:
            asking.close()


class World:
    """What people do on the pages of `programs`, and what they and this hear of."""

    def __init__(self, there: Room, programs: Programs, cookies: str) -> None:
        self._there = there
        self._cookies = cookies  # of a reviewer
        self._customers = Connections(programs.urls["notifier"])
        self._staff = Connections(programs.urls["approver"])
        self._mailed, self._opened, self._approved = Moments(), Moments(), Moments()
        self._links: dict[str, str] = {}

    @asynccontextmanager
    async def listening(self, letters: Letters) -> AsyncIterator[None]:
        bootstrap = self._there.settings.kafka_bootstrap_servers
        # Without a linger: who requests one registration does not wait for others.
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        connection = await asyncpg.connect(self._there.database_url)
        await connection.add_listener(channel_of("approver"), self._changed)
        async with letters.read(self._received), self._producer, consumer:
            topic = self._there.topic("registration-approved.v1")
            consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
            following = asyncio.create_task(self._follow(consumer))
            yield
            following.cancel()
        await connection.close()
        self._customers.close()
        self._staff.close()

    async def live(self, life: Life, request: Message) -> None:
        """Notes in `life` what happens. A page that answers something else ends it."""
        topic, key, value = request
        name = key.decode()
        try:
            await self._producer.send(topic, value, key=key)
            life.mailed = await self._mailed.of(name)
            link = self._links.pop(name)
            await self._customers.ask(get(self._customers.url, link), 200)
            life.confirming = time.monotonic()
            await self._customers.ask(post(self._customers.url, f"{link}/confirm"), 200)
            life.opened = await self._opened.of(name)
            life.approving = time.monotonic()
            await self._staff.ask(post(self._staff.url, f"/cases/{name}/approve", "note=", self._cookies), 303)
            life.approved = await self._approved.of(name)
        except (WrongAnswer, OSError) as error:
            life.refused = f"{type(error).__name__}: {error}"

    def _received(self, letter: Letter) -> None:
        self._links[letter.registration_id] = letter.link
        self._mailed.tell(letter.registration_id, letter.at)

    def _changed(self, _connection: object, _pid: int, _channel: str, about: object) -> None:
        """The first change of a case is that it is opened."""
        self._opened.tell(str(about), time.monotonic())

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        since_1970 = time.time() - time.monotonic()
        async for record in consumer:
            appended = (record.timestamp + 1) / 1000 - since_1970  # whole milliseconds, cut off: at the latest then
            self._approved.tell(record.key.decode(), appended)


async def lived(
    world: World, letters: Letters, requests: Sequence[Message], rate: float, patience: float
) -> list[Life]:
    """In the order of `requests`. `patience`, in seconds, is how long after the last was due those that have not ended
    are waited for."""
    begun = time.monotonic() + 0.1
    lives = [Life(due_at(begun, rate, number)) for number in range(len(requests))]
    async with world.listening(letters):
        tasks = []
        for life, request in zip(lives, requests, strict=True):
            await asyncio.sleep(life.due - time.monotonic())
            tasks.append(asyncio.create_task(world.live(life, request)))
        _ended, late = await asyncio.wait(tasks, timeout=patience)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
        if not late and all(it.approved < NEVER for it in lives):
            await letters.all_of(MAILS_EACH * len(lives))
    return lives
