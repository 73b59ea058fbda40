"""How far a consumer has come, for its numbers: what is in hand, and what of its partitions is not stored yet."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition


class Progress:
    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}
        self._oldest: float | None = None

    @contextmanager
    def in_hand(self, batch: Sequence[ConsumerRecord]) -> Iterator[None]:
        """While it is being stored."""
        self._oldest = min(record.timestamp for record in batch) / 1000
        for record in batch:
            self._next.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        try:
            yield
        finally:
            self._oldest = None

    def stored(self, batch: Sequence[ConsumerRecord]) -> None:
        for record in batch:
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def lag(self, client: AIOKafkaConsumer | None) -> int:
        """Records of the partitions that this instance has read and still has, as far as Kafka has told of them."""
        if client is None:
            return 0
        ends = {it: client.highwater(it) for it in client.assignment() & self._next.keys()}
        return sum(max(0, end - self._next[it]) for it, end in ends.items() if end is not None)

    @property
    def age(self) -> float:
        """Seconds since the oldest record in hand was written; 0 while none is in hand."""
        return 0.0 if self._oldest is None else max(0.0, time.time() - self._oldest)
