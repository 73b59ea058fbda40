"""How long Kafka has been silent although it was asked.

A poll that brings nothing proves nothing: aiokafka answers it from what it fetched in the background, and a fetch that
waits for a broker, or has died, looks like a topic without news. So the time of the last fetch that was answered is
looked at, of each partition that is polled.
"""

import time
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition

LONGEST_SILENCE = 30.0  # seconds after which a client is taken for dead; its own limit for an answer is half of that


class Hearing:
    def __init__(self) -> None:
        self._heard_at: float | None = None
        self._began_at = 0.0
        self._oldest_answer: int | None = None
        self._busy = False

    @property
    def silence(self) -> float | None:
        """Seconds; None until Kafka was heard of. 0 while nobody listens, since a batch is being stored."""
        if self._heard_at is None:
            return None
        return 0.0 if self._busy else time.monotonic() - self._heard_at

    def begin(self) -> None:
        """With a new client."""
        self._began_at = time.monotonic()
        self._busy = False

    def heard(self) -> None:
        self._heard_at = time.monotonic()

    def stop_listening(self) -> None:
        """While a batch is stored: aiokafka fetches only as much as it can hold."""
        self._busy = True

    def go_on_listening(self) -> None:
        self.heard()
        self._busy = False

    def listen(self, consumer: AIOKafkaConsumer, only: Collection[TopicPartition]) -> None:
        """After a poll, of `only` or of all, that brought nothing: then each of these partitions is being fetched.
        Raises TimeoutError where the client seems dead."""
        ours = consumer.assignment()
        answers = [consumer.last_poll_timestamp(partition) for partition in (ours & set(only) if only else ours)]
        if not answers:
            self.heard()  # nothing is fetched here; to be told that took an answer
        elif None not in answers and (oldest := min(answers)) != self._oldest_answer:
            self._oldest_answer = oldest
            self.heard()
        silence = time.monotonic() - max(self._heard_at or 0.0, self._began_at)
        if silence > LONGEST_SILENCE:
            raise TimeoutError(f"no fetch was answered for {silence:.0f} s")
