"""A steady stream of requests that registrar refuses at once: how long each waits says how long nobody consumed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from commands.kafka import partitions_of
from shared.events import RegistrationRequested
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings

APART = 0.05  # seconds
REQUESTED, CLOSED = "registration-requested.v1", "registration-closed.v1"


@dataclass
class Probes:
    """`begun`: when each phase began, in milliseconds since 1970, as Kafka's brokers write their times."""

    settings: KafkaSettings
    begun: list[tuple[int, str]] = field(default_factory=list)
    sent: set[UUID] = field(default_factory=set)

    def phase(self, name: str) -> None:
        self.begun.append((round(time.time() * 1000), name))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap_servers, acks="all", enable_idempotence=True
        )
        async with producer:
            asking = asyncio.create_task(self._ask(producer))
            yield
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _ask(self, producer: AIOKafkaProducer) -> None:
        waiting: set[asyncio.Task[None]] = set()
        while True:
            task = asyncio.create_task(self._request(producer))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            await asyncio.sleep(APART)

    async def _request(self, producer: AIOKafkaProducer) -> None:
        request = RegistrationRequested(
            registration_id=uuid4(),
            partner_id=f"probe-{len(self.sent) % 20}",
            partner_name="Hà Nội Cloud",
            customer_email=f"refused-0-probe{len(self.sent)}@example.com",
            common_name="Nobody",
            requested_by="staff@upstream.example",
            requested_at=datetime.now(UTC),
        )
        self.sent.add(request.registration_id)
        topic = self.settings.kafka_topic_prefix + REQUESTED
        await producer.send_and_wait(topic, request.model_dump_json().encode(), key=request.key.encode())

    async def longest_waits(self) -> dict[str, float]:
        """Seconds from a request's record to its answer's, the longest of each phase."""
        asked, answered = await self._times(REQUESTED), await self._times(CLOSED)
        ends = [*(begun for begun, _name in self.begun[1:]), 10**15]
        waits: dict[str, float] = {}
        for (begun, name), end in zip(self.begun, ends, strict=True):
            of_phase = [answered[it] - at for it, at in asked.items() if it in answered and begun <= at < end]
            waits[name] = max(of_phase, default=0) / 1000
        return waits

    async def _times(self, topic: str) -> dict[UUID, int]:
        """When the first record of each probe was appended."""
        name, found = self.settings.kafka_topic_prefix + topic, dict[UUID, int]()
        async with admin(self.settings) as client:
            counts = {
                it.name: count for it, count in (await partitions_of(client, self.settings.kafka_topic_prefix)).items()
            }
        places = [TopicPartition(name, number) for number in range(counts[topic])]
        servers = self.settings.kafka_bootstrap_servers
        async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
            ends = await consumer.end_offsets(places)
            consumer.assign(places)
            unread = {place for place, end in ends.items() if end}
            while unread:
                for place, records in (await consumer.getmany(*unread, timeout_ms=1000)).items():
                    for it in records:
                        if (of := UUID(json.loads(it.value)["registration_id"])) in self.sent:
                            found.setdefault(of, it.timestamp)
                    if records[-1].offset + 1 >= ends[place]:
                        unread.discard(place)
        return found
