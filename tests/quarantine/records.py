"""Records as Kafka hands them out, and a quarantine that holds some."""

import asyncio
from collections.abc import Sequence
from itertools import count

from aiokafka import ConsumerRecord

from shared.service import Service

_offsets = count(1)

Header = tuple[str, bytes | None]


def record(
    topic: str,
    value: bytes | None,
    *,
    key: bytes | None = b"k",
    headers: Sequence[Header] = (),
    offset: int | None = None,
    timestamp: int = 1_760_000_000_000,
) -> ConsumerRecord:
    """`offset` is one of its own where none is given."""
    at = next(_offsets) if offset is None else offset
    return ConsumerRecord(topic, 0, at, timestamp, 0, key, value, None, -1, -1, tuple(headers))


async def reads(service: Service, *records: ConsumerRecord) -> None:
    """As its consumer does once it has polled them."""
    assert await service.consumer.inbox.accept(records, asyncio.Event())
