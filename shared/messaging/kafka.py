"""Connections to Kafka, from the settings: one FastStream broker for reading, one for the relay."""

import ssl
from typing import Any

from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.settings import KafkaSettings

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


def new_broker(settings: KafkaSettings, client_id: str) -> KafkaBroker:
    """Not connected yet. What it publishes is acknowledged by all replicas and written once."""
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=client_id,
        security=security(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
        request_timeout_ms=15_000,
        allow_auto_create_topics=False,
        apply_types=False,
        logger=None,
    )
