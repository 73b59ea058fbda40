"""In which order the records of one batch are taken, that several partitions gave."""

from aiokafka import ConsumerRecord, TopicPartition

from shared.messaging.batch import Record
from shared.messaging.consumer import as_they_came

ONE, TWO = TopicPartition("requests", 1), TopicPartition("requests", 2)


def written(partition: TopicPartition, offset: int, at: int) -> Record:
    return ConsumerRecord(partition.topic, partition.partition, offset, at, 0, None, b"", None, -1, 0, ())


def test_who_asked_first_comes_first_whichever_partition_is_read_first() -> None:
    late, early, latest = written(ONE, 0, 20), written(TWO, 0, 10), written(TWO, 1, 30)
    assert as_they_came({ONE: [late], TWO: [early]}, {TWO: [latest]}) == [early, late, latest]


def test_a_partition_keeps_its_own_order_whatever_the_clocks_of_its_producers_say() -> None:
    first, second, third = written(ONE, 0, 50), written(ONE, 1, 10), written(ONE, 2, 30)
    other = written(TWO, 0, 20)
    taken = as_they_came({ONE: [first, second], TWO: [other]}, {ONE: [third]})
    assert [it for it in taken if it.partition == ONE.partition] == [first, second, third]
    assert sorted(taken, key=lambda it: (it.partition, it.offset)) == [first, second, third, other]
