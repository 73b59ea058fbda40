"""A record that the Kafka client itself cannot read: a header whose name is not UTF-8. It fails the whole poll.

The partition that holds it is found, what stands before it is read, and it is stepped over: its place goes to
quarantine, without its bytes, which the client does not hand out.
"""

from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.messaging.batch import Record

LOOK_MS = 300


@dataclass(frozen=True, slots=True)
class Found:
    """`unreadable` has a place and nothing else; `before` are the records of its partition not committed yet."""

    unreadable: Record
    before: list[Record] = field(default_factory=list)


async def find(consumer: AIOKafkaConsumer) -> Found | None:
    """None where no partition fails now. Leaves positions anywhere: start the consumer anew. Raises KafkaError."""
    for partition in consumer.assignment():
        await _rewind(consumer, partition)
        try:
            while await consumer.getmany(partition, timeout_ms=LOOK_MS):
                pass
        except UnicodeDecodeError:
            return await _step(consumer, partition)
    return None


async def _step(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Found:
    await _rewind(consumer, partition)
    before: list[Record] = []
    try:
        while read := await consumer.getmany(partition, timeout_ms=10 * LOOK_MS, max_records=1):
            before += read[partition]
    except UnicodeDecodeError:
        pass
    place = await consumer.position(partition)
    return Found(_nothing_at(partition, place), before)


async def _rewind(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    committed = await consumer.committed(partition)
    if committed is None:
        await consumer.seek_to_beginning(partition)
    else:
        consumer.seek(partition, committed)


def _nothing_at(partition: TopicPartition, offset: int) -> Record:
    return ConsumerRecord(partition.topic, partition.partition, offset, -1, -1, None, None, None, -1, -1, ())
