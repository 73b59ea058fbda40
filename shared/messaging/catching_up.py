"""The start-up rule: no decision before the facts that were there at start have been read.

At start the ends of the facts' topic are noted. Until the group's committed offsets have passed them (whichever
instance read them), the consumer polls nothing but that topic.
"""

from aiokafka import AIOKafkaConsumer, TopicPartition


class CatchingUp:
    """`done` from the start where there are no facts to wait for."""

    def __init__(self, topic: str | None) -> None:
        self.done = topic is None
        self._topic = topic
        self._partitions: list[TopicPartition] = []
        self._unread: dict[TopicPartition, int] = {}

    @property
    def only(self) -> list[TopicPartition]:
        """The partitions to poll meanwhile; none means all."""
        return [] if self.done else self._partitions

    async def begin(self, consumer: AIOKafkaConsumer) -> None:
        """Notes the ends, once in the life of a service. Raises KafkaError."""
        if self.done or self._partitions or self._topic is None:
            return
        numbers = consumer.partitions_for_topic(self._topic) or ()
        partitions = [TopicPartition(self._topic, number) for number in numbers]
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
