"""From Kafka into the database: poll a batch, store it, only then commit its offsets. Nothing else moves an offset.

- The process dies anywhere before the commit: the batch comes again, and what it already changed is changed no further.
- The database is away: the batch in hand is tried again; nothing is polled meanwhile.
- Another instance took the partitions meanwhile: the commit is refused, and the batch comes again over there.
- A committed offset that Kafka no longer has stops the service: jumping on would lose what lies between.

FastStream makes the consumer; the loop is ours, since FastStream's own goes on to the next batch after an error.
"""

import asyncio
import time
from itertools import chain

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faststream import AckPolicy

from shared.messaging.batch import Inbox, Record
from shared.messaging.catching_up import CatchingUp
from shared.messaging.faults import in_words
from shared.messaging.kafka import admin, new_broker
from shared.retry import Backoff, pause
from shared.settings import KafkaSettings

BATCH = 1000
POLL_MS = 200
LOOKS_FOR_TOPICS = 6

log = structlog.get_logger()


class CannotGoOn(Exception):
    """The service must stop; the message says what happened, what was expected and what to do."""


class Consumer:
    """Reads all topics of one service's inbox in one group. `facts_first` names the event whose topic is read up to
    its end at start before anything else is."""

    def __init__(self, group: str, inbox: Inbox, settings: KafkaSettings, *, facts_topic: str | None = None) -> None:
        self.inbox = inbox
        self._settings = settings
        self.catching_up = CatchingUp(facts_topic)
        self.polled_at: float | None = None
        self._group = group
        self._broker = new_broker(settings, group, consumer_only=True)
        self._subscriber = self._broker.subscriber(
            *inbox.topics,
            batch=True,
            group_id=group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="none",
            no_reply=True,
            fetch_max_wait_ms=100,
        )

    @property
    def assigned(self) -> bool:
        consumer = self._subscriber.consumer
        return bool(consumer and consumer.assignment())

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`, after the batch in hand. Raises CannotGoOn."""
        try:
            consumer = await self._start(stopping)
            while consumer and not stopping.is_set():
                batch = await self._poll(consumer)
                if batch and await self.inbox.accept(batch, stopping):
                    await self._commit(consumer, batch)
        finally:
            await self._broker.stop()

    async def _start(self, stopping: asyncio.Event) -> AIOKafkaConsumer | None:
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await self._refuse_missing_topics(stopping)
                await self._broker.start()
                consumer = self._subscriber.consumer
                assert consumer is not None
                self.inbox.trouble = None
                await self.catching_up.begin(consumer)
            except (KafkaError, OSError) as error:
                self.inbox.trouble = f"waits for Kafka: {in_words(error)}"
                log.warning("consumer waits", why=in_words(error))
                await self._broker.stop()
                await pause(stopping, backoff.next())
            else:
                return consumer
        return None

    async def _refuse_missing_topics(self, stopping: asyncio.Event) -> None:
        """Before the consumer starts: it would wait for them for ever. Brokers learn of a new topic one by one."""
        async with admin(self._settings) as client:
            for _look in range(LOOKS_FOR_TOPICS):
                missing = sorted(set(self.inbox.topics) - set(await client.list_topics()))
                if not missing or stopping.is_set():
                    return
                await pause(stopping, 0.5)
        raise CannotGoOn(
            f"Kafka has no topic {', '.join(missing)}; expected all of them; run: registration topics apply"
        )

    async def _poll(self, consumer: AIOKafkaConsumer) -> list[Record]:
        self.polled_at = time.monotonic()
        try:
            records = await self._get_many(consumer)
        except OffsetOutOfRangeError as gone:
            raise CannotGoOn(
                f"Kafka no longer has the offset committed by group {self._group}: {_offsets(gone)}; expected it "
                f"between the partition's first and last; restore the topic, or run: registration rewind {self._group}"
            ) from None
        except KafkaError as error:
            self.inbox.trouble = f"waits for Kafka: {in_words(error)}"
            log.warning("poll failed", why=in_words(error))
            await asyncio.sleep(1)
            return []
        self.inbox.trouble = None
        return records

    async def _get_many(self, consumer: AIOKafkaConsumer) -> list[Record]:
        await self.catching_up.look(consumer)
        try:
            records = await consumer.getmany(*self.catching_up.only, timeout_ms=POLL_MS, max_records=BATCH)
        except NoOffsetForPartitionError:  # this group never read it: from its first record
            await self._seek_new_partitions(consumer)
            return []
        return list(chain.from_iterable(records.values()))

    async def _seek_new_partitions(self, consumer: AIOKafkaConsumer) -> None:
        new = [tp for tp in consumer.assignment() if await consumer.committed(tp) is None]
        if new:
            await consumer.seek_to_beginning(*new)

    async def _commit(self, consumer: AIOKafkaConsumer, batch: list[Record]) -> None:
        """Commits what was stored. A refusal means that the batch comes again, here or at another instance."""
        ours = consumer.assignment()
        stored = {TopicPartition(r.topic, r.partition): r.offset + 1 for r in batch}
        try:
            if mine := {tp: offset for tp, offset in stored.items() if tp in ours}:
                await consumer.commit(mine)
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            log.info("offsets not committed; the batch comes again", why=in_words(error))


def _offsets(error: OffsetOutOfRangeError) -> str:
    places: dict[TopicPartition, int] = error.args[0] if error.args else {}
    return ", ".join(f"{tp.topic}[{tp.partition}] at {offset}" for tp, offset in places.items())
