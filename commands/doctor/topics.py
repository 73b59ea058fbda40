"""The topics: there, led, copied, and kept for as long as the table says."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError, TopicAuthorizationFailedError, for_code

from commands.doctor.findings import Finding, ok, unseen, within_limit, wrong
from commands.doctor.protocol import TopicSeen, look_at_topics
from shared.messaging.faults import in_words
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings
from shared.topics import PARTITIONS, TOPICS, Topic

WHAT = "topics"
AT_LEAST = {"retention.ms", "delete.retention.ms"}
FOR_EVER = -1


async def examine(settings: KafkaSettings, service: str | None) -> list[Finding]:
    """A line for each topic that is not as it should be, or one for all."""
    ours = [it for it in TOPICS if service is None or service in {it.writer, *it.readers}]
    try:
        return await within_limit(_examine(settings, ours))
    except (KafkaError, OSError, TimeoutError) as error:
        return [
            wrong(WHAT, f"Kafka did not tell of them: {in_words(error)}; expected an answer; check the brokers' logs")
        ]


async def _examine(settings: KafkaSettings, ours: list[Topic]) -> list[Finding]:
    names = {topic: settings.kafka_topic_prefix + topic.name for topic in ours}
    async with admin(settings) as client:
        seen = await look_at_topics(client, list(names.values()))
        there = {topic: name for topic, name in names.items() if seen[name].error is NoError}
        configs = await _configs(client, there)
    found = [finding for topic, name in names.items() for finding in _presence(topic, name, seen[name])]
    found += [finding for topic, name in there.items() for finding in _kept(topic, name, configs.get(name), settings)]
    return found or [ok(WHAT, _all_well(ours, there, seen, told=set(configs)))]


def _presence(topic: Topic, name: str, seen: TopicSeen) -> Iterable[Finding]:
    if seen.error is TopicAuthorizationFailedError:
        yield unseen(WHAT, f"{name}: this login has no right to")
    elif seen.error is not NoError:
        yield wrong(WHAT, f"{name} is missing ({seen.error.__name__}); expected all; run: registration topics apply")
    elif topic.partitions == 1 and seen.partitions != 1:
        yield wrong(
            WHAT,
            f"{name} has {seen.partitions} partitions; expected 1; delete it while it is empty, then run: "
            f"registration topics apply",
        )
    elif seen.leaderless or seen.lagging:
        yield wrong(
            WHAT,
            f"{name} has {seen.leaderless} partitions without a leader and {seen.lagging} with a copy that lags; "
            f"expected none; start the brokers that are missing",
        )


def _kept(topic: Topic, name: str, config: dict[str, str] | None, settings: KafkaSettings) -> Iterable[Finding]:
    for key, expected in topic.config().items() if config is not None else ():
        found = (config or {}).get(key, "")
        if not _enough(key, found, expected):
            yield wrong(
                WHAT,
                f"{name} has {key}={found}; expected {expected}{' or more' if key in AT_LEAST else ''}; run: "
                f"kafka-configs.sh --bootstrap-server {settings.kafka_bootstrap_servers} --alter --topic {name} "
                f"--add-config {key}={expected}",
            )


def _enough(key: str, found: str, expected: str) -> bool:
    if key in AT_LEAST:
        return int(found) == FOR_EVER or int(found) >= int(expected)
    return found == expected


async def _configs(client: AIOKafkaAdminClient, there: dict[Topic, str]) -> dict[str, dict[str, str]]:
    """The settings of each topic whose settings this login may see."""
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(topic.config(), ""))
        for topic, name in there.items()
    ]
    answers = await client.describe_configs(asked) if asked else []
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _words, _kind, name, entries in answer.resources
        if for_code(code) is NoError
    }


def _all_well(ours: list[Topic], there: dict[Topic, str], seen: dict[str, TopicSeen], told: set[str]) -> str:
    counts = sorted({seen[name].partitions for topic, name in there.items() if topic.partitions == PARTITIONS})
    partitions = ", ".join(map(str, counts))
    said = f"all {len(ours)} are there, with {partitions} partitions (a quarantine with 1)"
    if set(there.values()) <= told:
        return f"{said}, kept as expected"
    return f"{said}; how long they are kept is not for this login to see: run doctor as an administrator too"
