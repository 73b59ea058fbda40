"""From Kafka into the database: poll a batch, store it, only then commit its offsets. Nothing else moves an offset.

- The process dies anywhere before the commit: the batch comes again, and what it already changed is changed no further.
- The database is away: the batch in hand is tried again; nothing is polled meanwhile.
- Another instance took the partitions meanwhile: the commit is refused, and the batch comes again over there.
- A poll fails: the consumer starts anew from the committed offsets, since the poll may have taken records already.
- A committed offset that Kafka no longer has stops the consumer: jumping on would lose what lies between.

FastStream makes the consumer; the loop is ours, since FastStream's own goes on to the next batch after an error.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from shared.messaging import unreadable
from shared.messaging.batch import Inbox, Record
from shared.messaging.catching_up import CatchingUp
from shared.messaging.faults import in_words, place
from shared.messaging.hearing import Hearing
from shared.messaging.kafka import admin, refuse_forbidden
from shared.messaging.pace import Pace
from shared.messaging.progress import Progress
from shared.messaging.reader import LAST_WORD, Reader, reader
from shared.retry import Backoff, Stopped, pause, unless_stopped
from shared.settings import KafkaSettings

Fetched: TypeAlias = Mapping[TopicPartition, list[Record]]

BATCH = 1000
POLL_MS = 200
NEWER_MS = 4
"""How long records that were fetched wait for those that came after them."""
LOOKS_FOR_TOPICS = 6
LOOK_AT_BACKLOG = 0.5  # seconds
LAST_BATCH = 3.0  # seconds to store the batch in hand once the service stops

log = structlog.get_logger()


class CannotGoOn(Exception):
    """The service must stop; the message says what happened, what was expected and what to do."""


class Consumer:
    """Reads all topics of one service's inbox in one group. `facts_topic` is read up to its end at start before
    anything else is; `backlog` says when all that was waiting at start has been read."""

    def __init__(self, group: str, inbox: Inbox, settings: KafkaSettings, *, facts_topic: str | None = None) -> None:
        self.inbox = inbox
        self._settings = settings
        self.catching_up = CatchingUp([facts_topic] if facts_topic else [])
        self.backlog = CatchingUp(inbox.topics)
        self.hearing = Hearing()
        self.progress = Progress()
        self.polled_at: float | None = None
        self._looks_at_backlog = 0.0
        self._group = group
        self._client: AIOKafkaConsumer | None = None

    @property
    def assigned(self) -> bool:
        return bool(self._client and self._client.assignment())

    @property
    def lag(self) -> int:
        """Records that are not stored yet, as far as Kafka has told of them."""
        return self.progress.lag(self._client)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`, after the batch in hand. Raises CannotGoOn."""
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await self._consume(stopping, backoff)
            except Stopped:
                return
            except OffsetOutOfRangeError as gone:
                await self._stand_still(gone, stopping)
            except CannotGoOn:
                raise
            except Exception as error:  # what a failed poll had already taken is read again from the committed offsets
                self.inbox.trouble = f"waits for Kafka: {in_words(error)}"
                log.warning("consumer starts anew", why=in_words(error), where=place(error))
                await pause(stopping, backoff.next())

    async def _consume(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        await self._refuse_missing_topics(stopping)
        async with reader(self._settings, self._group, self.inbox.topics, stopping) as kafka:
            self._client = kafka.client
            self.hearing.begin()
            try:
                await self._read(kafka, stopping, backoff)
            finally:
                self._client = None

    async def _read(self, kafka: Reader, stopping: asyncio.Event, backoff: Backoff) -> None:
        await kafka.answer(self.catching_up.begin(kafka.client))
        await kafka.answer(self.backlog.begin(kafka.client))
        pace = Pace()
        while not stopping.is_set():
            try:
                batch = await self._poll(kafka)
            except UnicodeDecodeError:
                await self._step_over(kafka, stopping)
                return
            if waits := backoff.reset():
                log.info("consumer goes on", waits=waits)
            self.inbox.trouble = None
            if batch:
                pace.begin()
                with self.progress.in_hand(batch):
                    if await self._store(batch, stopping):
                        self.progress.stored(batch)
                        await self._commit(kafka, batch)
                pace.done(len(batch))
                if len(batch) < BATCH:
                    await pace.rest(stopping)

    async def _store(self, batch: list[Record], stopping: asyncio.Event) -> bool:
        self.hearing.stop_listening()
        try:
            return await unless_stopped(stopping, self.inbox.accept(batch, stopping), LAST_BATCH)
        finally:
            self.hearing.go_on_listening()

    async def _stand_still(self, gone: OffsetOutOfRangeError, stopping: asyncio.Event) -> None:
        """Jumping on would lose what lies between: not ready, and nothing more is read."""
        self.inbox.trouble = (
            f"Kafka no longer has the offset committed by group {self._group}: {_offsets(gone)}; expected it between "
            f"the partition's first and last; restore the topic, or run: registration rewind {self.inbox.service}"
        )
        log.error("consumer stopped", why=self.inbox.trouble)
        await stopping.wait()

    async def _step_over(self, kafka: Reader, stopping: asyncio.Event) -> None:
        """One record that the client cannot read stops no partition. The consumer starts anew after it."""
        found = await kafka.answer(unreadable.find(kafka.client))
        if found and await self.inbox.accept(found.before, stopping):
            reason = "unreadable: a header's name is not UTF-8; the client does not hand out the record's bytes"
            if await self.inbox.set_aside(found.unreadable, reason, stopping):
                await self._commit(kafka, [found.unreadable])

    async def _refuse_missing_topics(self, stopping: asyncio.Event) -> None:
        """Before the consumer starts: it would wait for them for ever. Brokers learn of a new topic one by one."""
        for _look in range(LOOKS_FOR_TOPICS):
            there = await unless_stopped(stopping, self._topics(), LAST_WORD)
            missing = sorted(set(self.inbox.topics) - there)
            if not missing or stopping.is_set():
                return
            await pause(stopping, 0.5)
        raise CannotGoOn(
            f"Kafka has no topic {', '.join(missing)}; expected all of them; run: registration topics apply"
        )

    async def _topics(self) -> set[str]:
        """Those that are there. Raises TopicAuthorizationFailedError where this login may not use one of ours."""
        async with admin(self._settings) as client:
            there = set(await client.list_topics())
            if missing := sorted(set(self.inbox.topics) - there):
                await refuse_forbidden(client, missing)
            return there

    async def _poll(self, kafka: Reader) -> list[Record]:
        client = kafka.client
        self.polled_at = time.monotonic()
        await kafka.answer(self.catching_up.look(client))
        if self.polled_at > self._looks_at_backlog:  # it asks Kafka once a partition
            await kafka.answer(self.backlog.look(client))
            self._looks_at_backlog = time.monotonic() + LOOK_AT_BACKLOG
        only = self.catching_up.only
        if records := await kafka.answer(_all_there_is(client, only)):
            self.hearing.heard()
        else:
            self.hearing.listen(client, only)
        return records

    async def _commit(self, kafka: Reader, batch: list[Record]) -> None:
        """Commits what was stored. A refusal means that the batch comes again, here or at another instance."""
        ours = kafka.client.assignment()
        stored = {TopicPartition(r.topic, r.partition): r.offset + 1 for r in batch}
        try:
            if mine := {tp: offset for tp, offset in stored.items() if tp in ours}:
                await kafka.answer(kafka.client.commit(mine))
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            log.info("offsets not committed; the batch comes again", why=in_words(error))


async def _all_there_is(client: AIOKafkaConsumer, only: Collection[TopicPartition]) -> list[Record]:
    """Up to BATCH. What aiokafka holds is what came first after the poll before: until that is taken, it asks a broker
    for no more. What came later would wait for the next batch, while this one is stored and its loop rests."""
    first = await _fetched(client, only, 0, BATCH)
    room = BATCH - sum(map(len, first.values()))
    if not room:
        return as_they_came(first)
    return as_they_came(first, await _fetched(client, only, NEWER_MS if first else POLL_MS, room))


async def _fetched(client: AIOKafkaConsumer, only: Collection[TopicPartition], wait_ms: int, most: int) -> Fetched:
    try:
        fetched: Fetched = await client.getmany(*only, timeout_ms=wait_ms, max_records=most)
    except NoOffsetForPartitionError:  # this group never read it: from its first record
        await _seek_new_partitions(client)
        return {}
    return fetched


def as_they_came(*fetched: Fetched) -> list[Record]:
    """Each partition's in its own order; those of different ones by the times at which they were written: of two
    partners who ask for one customer, who asked first gets it."""
    of: defaultdict[TopicPartition, list[Record]] = defaultdict(list)
    for partition, records in chain.from_iterable(it.items() for it in fetched):
        of[partition] += records
    return list(merge(*of.values(), key=attrgetter("timestamp")))


async def _seek_new_partitions(client: AIOKafkaConsumer) -> None:
    """All together, as each without a place holds up the others; but none that something was fetched of: its records
    may be in hand, and would come again."""
    unread = [it for it in client.assignment() if client.last_poll_timestamp(it) is None]
    new = {it for it in unread if await client.committed(it) is None}
    if ours := new & client.assignment():
        await client.seek_to_beginning(*ours)


def _offsets(error: OffsetOutOfRangeError) -> str:
    places: dict[TopicPartition, int] = error.args[0] if error.args else {}
    return ", ".join(f"{tp.topic}[{tp.partition}] at {offset}" for tp, offset in places.items())
