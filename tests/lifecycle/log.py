"""The topics as their readers meet them: partitions that stay in order, read in any order against each other, in
batches of any size, and again after a restart.

A real Kafka cannot be told in which order to hand out its partitions. This log can: it holds the services' real
records, and chance decides who reads what next.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from aiokafka import ConsumerRecord

from shared.messaging.cloudevents import Headers
from shared.topics import TOPICS

PARTITIONS = 2


@dataclass(frozen=True, slots=True)
class Place:
    topic: str
    partition: int


@dataclass(slots=True)
class Log:
    records: defaultdict[Place, list[ConsumerRecord]] = field(default_factory=lambda: defaultdict(list))
    offsets: defaultdict[tuple[str, Place], int] = field(default_factory=lambda: defaultdict(int))

    def append(self, topic: str, key: str, value: str, headers: Headers | None = None) -> None:
        """Without `headers`: as a plain producer writes."""
        place = Place(topic, sum(key.encode()) % PARTITIONS)
        self.records[place].append(
            ConsumerRecord(
                topic=topic,
                partition=place.partition,
                offset=len(self.records[place]),
                timestamp=0,
                timestamp_type=0,
                key=key.encode(),
                value=value.encode(),
                checksum=None,
                serialized_key_size=0,
                serialized_value_size=0,
                headers=headers or [],
            )
        )

    def unread(self, service: str) -> list[Place]:
        """Where `service` has something to read."""
        names = {topic.name for topic in TOPICS if service in topic.readers}
        return [at for at, them in self.records.items() if at.topic in names and self.offsets[service, at] < len(them)]

    def poll(self, service: str, places: Iterable[Place], chance: Random) -> dict[Place, list[ConsumerRecord]]:
        """Some of what is next at each place. Nothing moves before `commit`."""
        polled = {}
        for place in places:
            start = self.offsets[service, place]
            polled[place] = self.records[place][start : start + chance.randint(1, 8)]
        return polled

    def commit(self, service: str, polled: dict[Place, list[ConsumerRecord]]) -> None:
        for place, records in polled.items():
            self.offsets[service, place] = max(self.offsets[service, place], records[-1].offset + 1)

    def rewind(self, service: str, chance: Random) -> None:
        """What a restart after a lost commit does: some records come again."""
        for (group, place), offset in list(self.offsets.items()):
            if group == service:
                self.offsets[group, place] = max(0, offset - chance.randint(0, 3))
