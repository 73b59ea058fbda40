"""Kafka: does each address answer and take this login, then topics and rights."""

import asyncio
import ssl

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from faststream.kafka.security import parse_security

from commands.doctor import rights, topics
from commands.doctor.findings import LIMIT, Finding, State, loaded, ok, unseen, within_limit, wrong
from shared.messaging.faults import in_words
from shared.messaging.kafka import security
from shared.settings import KafkaSettings

WHAT = "Kafka"
CLOSING = 0.5  # seconds


async def examine(service: str | None) -> list[Finding]:
    """Of one service, or of all topics and rules."""
    settings = loaded(KafkaSettings)
    if settings is None:
        return [unseen(WHAT, "its settings are missing or wrong")]
    hosts = [(host, port) for host, port, _family in collect_hosts(settings.kafka_bootstrap_servers)]
    addresses = await asyncio.gather(*(_address(settings, host, port) for host, port in sorted(hosts)))
    if not any(it.state is State.OK for it in addresses):
        return [*addresses, *(unseen(what, "Kafka does not answer") for what in (topics.WHAT, rights.WHAT))]
    return [*addresses, *await topics.examine(settings, service), *await rights.examine(settings, service)]


async def _address(settings: KafkaSettings, host: str, port: int) -> Finding:
    place = f"{host}:{port}"
    try:
        await within_limit(_sign_in(settings, host, port))
    except (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError) as error:
        return wrong(
            WHAT,
            f"{place} refuses the login {settings.kafka_sasl_username!r}: {in_words(error)}; expected a user "
            f"that Kafka knows; check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM",
        )
    except ssl.SSLError as error:
        return wrong(
            WHAT,
            f"{place} does not agree on TLS: {in_words(error)}; expected a certificate for {host} from an "
            f"authority that is trusted; check KAFKA_SSL_CAFILE and KAFKA_SECURITY_PROTOCOL",
        )
    except (KafkaError, OSError, TimeoutError) as error:
        return wrong(
            WHAT,
            f"{place} does not answer: {in_words(error)}; expected a broker that speaks "
            f"{settings.kafka_security_protocol}; check KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL",
        )
    login = f"takes the login {settings.kafka_sasl_username!r}" if settings.kafka_sasl_username else "asks for no login"
    return ok(WHAT, f"{place} answers and {login} ({settings.kafka_security_protocol})")


async def _sign_in(settings: KafkaSettings, host: str, port: int) -> None:
    connection = AIOKafkaConnection(
        host, port, request_timeout_ms=int(LIMIT * 1000), **parse_security(security(settings))
    )
    try:
        await connection.connect()
    finally:  # TLS says goodbye, which takes a moment; where nothing was opened, nothing answers
        await asyncio.wait({connection.close()}, timeout=CLOSING)
