"""Two of Kafka's requests in the versions that tell what a login may do, which aiokafka does not have.

The layouts are those of Kafka's protocol guide: Metadata version 8, DescribeGroups version 3.
"""

from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

from commands.acls import Operation

_TEXT = String("utf-8")


class MetadataResponseV8(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class MetadataRequestV8(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = MetadataResponseV8
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class MetadataWithRights(Request[MetadataRequestV8]):
    """Of the topics that are named, of which none is made by asking."""

    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[MetadataRequestV8]) -> MetadataRequestV8:
        return request_struct_class(self._topics, False, False, True)  # the protocol's order


class DescribeGroupsResponseV3(Response):
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", _TEXT),
                ("state", _TEXT),
                ("protocol_type", _TEXT),
                ("protocol", _TEXT),
                (
                    "members",
                    Array(
                        ("member_id", _TEXT),
                        ("client_id", _TEXT),
                        ("client_host", _TEXT),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class DescribeGroupsRequestV3(RequestStruct):
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = DescribeGroupsResponseV3
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class DescribeGroupsWithRights(Request[DescribeGroupsRequestV3]):
    API_KEY = 15

    def __init__(self, groups: list[str]) -> None:
        self._groups = groups

    def build(self, request_struct_class: type[DescribeGroupsRequestV3]) -> DescribeGroupsRequestV3:
        return request_struct_class(self._groups, True)  # the protocol's order


class TopicSeen(NamedTuple):
    """`error` is NoError where it is there and may be looked at; `rights` has a bit for each operation."""

    error: type[Exception]
    partitions: int
    leaderless: int
    lagging: int
    rights: int


def may(rights: int, operation: Operation) -> bool:
    return bool(rights >> operation & 1)


async def look_at_topics(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, TopicSeen]:
    answer = await client._send_request(MetadataWithRights(names))
    return {it["topic"]: _seen(it) for it in answer.to_object()["topics"]}


def _seen(it: dict[str, Any]) -> TopicSeen:
    partitions = it["partitions"]
    return TopicSeen(
        error=for_code(it["error_code"]),
        partitions=len(partitions),
        leaderless=sum(part["leader"] < 0 for part in partitions),
        lagging=sum(len(part["isr"]) < len(part["replicas"]) for part in partitions),
        rights=it["authorized_operations"],
    )


async def rights_in_group(client: AIOKafkaAdminClient, group: str) -> int:
    """A bit for each operation. Raises KafkaError: where this login may not even look at the group, and while its
    coordinator is not known yet."""
    coordinator = await client.find_coordinator(group)
    answer = await client._send_request_to_node(coordinator, DescribeGroupsWithRights([group]))
    [found] = answer.to_object()["groups"]
    if (error := for_code(found["error_code"])) is not NoError:
        raise error(group)
    rights: int = found["authorized_operations"]
    return rights
