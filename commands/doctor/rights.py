"""May this login do what its service needs? An administrator is told which rules are missing."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    GroupLoadInProgressError,
    KafkaError,
    NoError,
    NotCoordinatorError,
    UnknownTopicOrPartitionError,
)

from commands.acls import Operation, missing_rules
from commands.doctor.findings import Finding, ok, within_limit, wrong
from commands.doctor.protocol import look_at_topics, may, rights_in_group
from commands.failures import Failed
from shared.access import Grant, Resource, Right, grants
from shared.messaging.faults import in_words
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings

WHAT = "rights"
OPERATIONS = {Right.READ: Operation.READ, Right.WRITE: Operation.WRITE}


async def examine(settings: KafkaSettings, service: str | None) -> list[Finding]:
    """Of `service`'s grants; without one, of those of whoever the login is named after; else of all rules."""
    if not settings.kafka_security_protocol.startswith("SASL"):
        return [ok(WHAT, "Kafka asks for no login: whoever reaches it may do everything; expected in trials only")]
    all_grants = grants(settings.kafka_topic_prefix)
    user = service or settings.kafka_sasl_username
    ours = [it for it in all_grants if it.user == user]
    try:
        if not ours:
            return await within_limit(_rules(settings))
        return await within_limit(_granted(settings, user, ours))
    except Failed as refused:
        return [wrong(WHAT, line) for line in refused.lines]
    except (KafkaError, OSError, TimeoutError) as error:
        return [
            wrong(WHAT, f"Kafka did not tell of them: {in_words(error)}; expected an answer; check the brokers' logs")
        ]


async def _rules(settings: KafkaSettings) -> list[Finding]:
    missing = await missing_rules(settings)
    if not missing:
        return [ok(WHAT, "all access rules of the table are there")]
    return [
        wrong(WHAT, f"no rule says that {rule.in_words()}; expected it; run: registration topics apply --acls")
        for rule in missing
    ]


async def _granted(settings: KafkaSettings, user: str, ours: list[Grant]) -> list[Finding]:
    async with admin(settings) as client:
        missing = await _missing(client, ours)
    if not missing:
        return [ok(WHAT, f"{settings.kafka_sasl_username!r} may do all that {user} needs")]
    return [
        wrong(WHAT, f"{_in_words(settings, it)}; expected it allowed; run: registration topics apply --acls")
        for it in missing
    ]


async def _missing(client: AIOKafkaAdminClient, ours: list[Grant]) -> list[Grant]:
    seen = await look_at_topics(client, [it.name for it in ours if it.resource is Resource.TOPIC])
    rights = {(Resource.TOPIC, name): topic.rights for name, topic in seen.items() if topic.error is NoError}
    for it in ours:
        if it.resource is Resource.GROUP:
            rights[it.resource, it.name] = await _in_group(client, it.name)
    # A topic that is not there is told as missing, not as forbidden.
    absent = {name for name, topic in seen.items() if topic.error is UnknownTopicOrPartitionError}
    return [
        it
        for it in ours
        if it.name not in absent and not may(rights.get((it.resource, it.name), 0), OPERATIONS[it.right])
    ]


async def _in_group(client: AIOKafkaAdminClient, group: str) -> int:
    while True:
        try:
            return await rights_in_group(client, group)
        except GroupAuthorizationFailedError:
            return 0
        except (CoordinatorNotAvailableError, NotCoordinatorError, GroupLoadInProgressError):
            await asyncio.sleep(0.1)  # the first to ask makes Kafka make the topic of offsets


def _in_words(settings: KafkaSettings, it: Grant) -> str:
    what = f"the topic {it.name}" if it.resource is Resource.TOPIC else f"in the group {it.name}"
    return f"{settings.kafka_sasl_username!r} may not {it.right} {what}"
