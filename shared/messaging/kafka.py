"""Connections to Kafka, from the settings: FastStream's broker for reading, a producer for the relay."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.protocol.metadata import MetadataRequest
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.messaging.background import Background
from shared.messaging.publishing import Publisher
from shared.settings import KafkaSettings

ANSWERED_WITHIN = 15.0  # seconds for one request, on a connection that may be dead without saying so

_SASL: dict[str, Any] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def ssl_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    return ssl.create_default_context(cafile=settings.kafka_ssl_cafile)


def security(settings: KafkaSettings) -> BaseSecurity | None:
    context = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        sasl: BaseSecurity = _SASL[settings.kafka_sasl_mechanism](
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            use_ssl=context is not None,
            ssl_context=context,
        )
        return sasl
    return BaseSecurity(ssl_context=context, use_ssl=True) if context else None


def broker_for_reading(settings: KafkaSettings, client_id: str) -> KafkaBroker:
    """Not connected yet."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=client_id,
        security=security(settings),
        consumer_only=True,
        request_timeout_ms=int(1000 * ANSWERED_WITHIN),
        allow_auto_create_topics=False,
        apply_types=False,
        logger=None,
    )


@asynccontextmanager
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """For looking at topics and making them. Raises KafkaError."""
    client = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        request_timeout_ms=int(1000 * ANSWERED_WITHIN),
        **parse_security(security(settings)),
    )
    try:
        await client.start()
        yield client
    finally:
        await client.close()


async def refuse_forbidden(client: AIOKafkaAdminClient, topics: list[str]) -> None:
    """Raises TopicAuthorizationFailedError with those of `topics` that this login may not use: a list of all topics
    leaves them out, as if they were not there."""
    answer = await client._send_request(MetadataRequest(topics, allow_auto_topic_creation=False))
    found = answer.to_object()["topics"]
    forbidden = [it["topic"] for it in found if it["error_code"] == TopicAuthorizationFailedError.errno]
    if forbidden:
        raise TopicAuthorizationFailedError(sorted(forbidden))


@asynccontextmanager
async def publisher(settings: KafkaSettings, client_id: str) -> AsyncIterator[Publisher]:
    """What it publishes is acknowledged by all replicas and written once. Raises KafkaError. Nothing of it runs on
    afterwards: a producer that was left with what was not acknowledged would publish it once more when Kafka comes
    back."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        max_batch_size=256 * 1024,
        request_timeout_ms=int(1000 * ANSWERED_WITHIN),
        **parse_security(security(settings)),
    )
    background = Background()
    try:
        await background.start(producer.start())
        yield Publisher(producer)
    finally:
        await background.close(producer.stop())
