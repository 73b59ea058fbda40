"""Who may do what at Kafka, derived from the table of topics, so that access rules and code cannot disagree.

A user may write the topics that the table says it writes, read those that it reads, and use the one consumer group that
is named after it. Nobody has any other right; topics are made and rules are set by an administrator.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.topics import OUTSIDE, SERVICES, TOPICS


class Right(StrEnum):
    READ = "read"
    WRITE = "write"


class Resource(StrEnum):
    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Grant:
    """`user` is the name that it signs in with at Kafka; `name` is the topic's or group's, with prefix."""

    user: str
    right: Right
    resource: Resource
    name: str


def user_of(program: str) -> str:
    """A service signs in under its own name; VNG's account systems, and `accounts import`, as `accounts`."""
    return "accounts" if program == OUTSIDE else program


def grants(prefix: str) -> list[Grant]:
    """Every right that anybody has."""
    topics = [
        Grant(user_of(program), right, Resource.TOPIC, prefix + topic.name)
        for topic in TOPICS
        for right, programs in ((Right.WRITE, (topic.writer,)), (Right.READ, topic.readers))
        for program in programs
    ]
    return topics + [Grant(user_of(it), Right.READ, Resource.GROUP, prefix + it) for it in SERVICES]
