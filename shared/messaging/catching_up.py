"""What was waiting at start: read before anything is decided that it may change.

At start the ends of some topics are noted. They are caught up with once the group's committed offsets have passed these
ends, whichever instance read them.
"""

from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition


class CatchingUp:
    """`done` from the start where there are no topics to wait for."""

    def __init__(self, topics: Collection[str]) -> None:
        self.done = not topics
        self._topics = topics
        self._partitions: list[TopicPartition] = []
        self._unread: dict[TopicPartition, int] = {}

    @property
    def only(self) -> list[TopicPartition]:
        """The partitions to poll where nothing else may be read meanwhile; none means all."""
        return [] if self.done else self._partitions

    async def begin(self, consumer: AIOKafkaConsumer) -> None:
        """Notes the ends, once in the life of a service. Raises KafkaError."""
        if self.done or self._partitions:
            return
        partitions = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        begins = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        self._unread = {tp: end for tp, end in ends.items() if end > begins[tp]}
        self._partitions = partitions

    async def look(self, consumer: AIOKafkaConsumer) -> None:
        """Asks Kafka how far the group has come. Raises KafkaError."""
        if self.done:
            return
        ours = consumer.assignment()
        for tp, end in list(self._unread.items()):
            committed = await consumer.committed(tp)
            if committed is None:
                continue
            if tp in ours and committed < end <= await consumer.position(tp):
                await consumer.commit({tp: end})  # no record was left, only the marker of a producer's transaction
                committed = end
            if committed >= end:
                del self._unread[tp]
        self.done = not self._unread
