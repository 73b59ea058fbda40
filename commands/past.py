"""What lies in topics since a time, and where that begins."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

AT_ONCE = 1000
PATIENCE = 30.0  # seconds without a record, or progress


async def beginnings(
    client: AIOKafkaConsumer, partitions: Collection[TopicPartition], since: datetime
) -> dict[TopicPartition, int]:
    """The first offset at or after `since`; the end where there is none. Raises KafkaError."""
    if not partitions:
        return {}
    milliseconds = int(since.timestamp() * 1000)
    found = await client.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    ends = await client.end_offsets(partitions)
    return {tp: ends[tp] if (at := found.get(tp)) is None else at.offset for tp in partitions}


async def read(client: AIOKafkaConsumer, begins: Mapping[TopicPartition, int]) -> AsyncIterator[ConsumerRecord]:
    """Up to the ends seen now, one partition after the other. Raises KafkaError, and TimeoutError."""
    ends = await client.end_offsets(list(begins))
    for tp, begin in begins.items():
        if begin >= ends[tp]:
            continue
        client.assign([tp])
        client.seek(tp, begin)
        at = begin
        while at < ends[tp]:
            async with asyncio.timeout(PATIENCE):
                records = await _some(client, tp)
            for record in records:
                yield record
            at = await client.position(tp)


async def _some(client: AIOKafkaConsumer, tp: TopicPartition) -> list[ConsumerRecord]:
    """What comes next; nothing where only the marker of a producer's transaction does, or a record that the client
    cannot read (a header's name that is not UTF-8): that is stepped over."""
    at = await client.position(tp)
    try:
        return list((await client.getmany(tp, timeout_ms=1000, max_records=AT_ONCE)).get(tp, []))
    except UnicodeDecodeError:
        client.seek(tp, at)
    read: list[ConsumerRecord] = []
    try:
        while some := (await client.getmany(tp, timeout_ms=1000, max_records=1)).get(tp, []):
            read += some
    except UnicodeDecodeError:
        client.seek(tp, await client.position(tp) + 1)
    return read
