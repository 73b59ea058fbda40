"""What a user can really do at a broker, by trying it."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    NoError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from faststream.kafka.security import parse_security

from shared.messaging.kafka import admin, security
from shared.settings import KafkaSettings


def _allowed(error: type[BaseException], refusal: type[BaseException]) -> bool:
    assert error in {NoError, refusal}, error
    return error is NoError


async def writable(settings: KafkaSettings, topics: Iterable[str]) -> set[str]:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        enable_idempotence=True,
        **parse_security(security(settings)),
    )
    await producer.start()

    async def try_one(topic: str) -> str | None:
        try:
            await producer.send_and_wait(topic, b"{}", key=b"a key, which a compacted topic asks for")
        except TopicAuthorizationFailedError:
            return None
        return topic

    try:
        return set(await asyncio.gather(*map(try_one, topics))) - {None}  # type: ignore[return-value]
    finally:
        await producer.stop()


async def readable(settings: KafkaSettings, topics: Iterable[str]) -> set[str]:
    errors = {topic: for_code(part[1]) for topic, part in (await _first_parts(settings, topics)).items()}
    return {topic for topic, error in errors.items() if _allowed(error, TopicAuthorizationFailedError)}


async def held(settings: KafkaSettings, topic: str) -> int:
    """How many records the topic's first partition holds."""
    part = (await _first_parts(settings, [topic]))[topic]
    assert for_code(part[1]) is NoError
    count: int = part[2]
    return count


async def _first_parts(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, Any]:
    """What a fetch of each topic's first partition answers: number, error, end, and more."""
    async with admin(settings) as client:
        request = FetchRequest(0, 0, 100_000, 0, [(topic, [(0, 0, 1000)]) for topic in topics])
        answer = await client._send_request(request)
    return {topic: partitions[0] for topic, partitions in answer.topics}


async def usable(settings: KafkaSettings, groups: Iterable[str]) -> set[str]:
    """The groups that it may at least look at: who may read in one may look at it too."""
    found = set()
    async with admin(settings) as client:
        for group in groups:
            try:
                await client.find_coordinator(group)
            except GroupAuthorizationFailedError:
                continue
            except CoordinatorNotAvailableError:
                pass  # the first to ask waits for the topic of offsets
            found.add(group)
    return found
