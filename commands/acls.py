"""Kafka's access rules: those of the table are made where they are missing; what gives more than the table is told.

Nothing is taken away: whoever gave another right may have had a reason, but it must be seen. A right by which somebody
else could write our topics or read in our groups' place is a problem; one to read or look at topics is a line.
"""

import asyncio
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, SecurityDisabled, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from commands.failures import Failed
from commands.kafka import told_plainly
from shared.access import Grant, Resource, Right, grants
from shared.messaging.kafka import admin
from shared.settings import KafkaSettings

ANY = 1  # in each field of a filter
LITERAL, PREFIXED = 3, 4
ALLOW = 3
EVERYBODY = "*"


class Kind(IntEnum):
    """Kafka's numbers for what a rule is about."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """Kafka's numbers."""

    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11


HARMLESS = {
    Kind.TOPIC: {Operation.READ, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS},
    Kind.GROUP: {Operation.DESCRIBE},
}


class Rule(NamedTuple):
    """One as Kafka holds it, in the order of its protocol."""

    kind: int
    name: str
    pattern: int
    principal: str
    host: str
    operation: int
    permission: int

    def covers(self, kind: Kind, name: str) -> bool:
        if self.kind != kind:
            return False
        if self.pattern == PREFIXED:
            return name.startswith(self.name)
        return self.name in {name, EVERYBODY}

    def in_words(self) -> str:
        name = f"{self.name}*" if self.pattern == PREFIXED else self.name
        known = list(Operation)
        operation = Operation(self.operation).name.lower() if self.operation in known else str(self.operation)
        return f"{self.principal} may {operation} {Kind(self.kind).name.lower()} {name}"


class Report(NamedTuple):
    """A line a rule, as it is now; and what must not be."""

    lines: list[str]
    problems: list[str]


async def missing_rules(settings: KafkaSettings) -> list[Rule]:
    """Those of the table that Kafka does not hold. Raises Failed."""
    async with told_plainly(settings), admin(settings) as client:
        there = await _rules(client)
    return [rule for rule in map(rule_of, grants(settings.kafka_topic_prefix)) if rule not in there]


async def apply_acls(settings: KafkaSettings, *, dry_run: bool = False) -> Report:
    """Makes the rules that are missing; `dry_run` only says which. Raises Failed."""
    ours = [rule_of(grant) for grant in grants(settings.kafka_topic_prefix)]
    async with told_plainly(settings), admin(settings) as client:
        there = await _rules(client)
        missing = [rule for rule in ours if rule not in there]
        if not dry_run:
            await asyncio.gather(*(make_rule(client, rule) for rule in missing))
    made = "would make" if dry_run else "made"
    lines = [f"{made if rule in missing else 'there'}  {rule.in_words()}" for rule in ours]
    others = [rule for rule in there if rule not in ours and rule.permission == ALLOW and _touches(rule, ours)]
    harmless = [rule for rule in others if rule.operation in HARMLESS[Kind(rule.kind)]]
    lines += [f"also  {rule.in_words()}" for rule in harmless]
    return Report(lines, [_too_much(rule) for rule in others if rule not in harmless])


def rule_of(grant: Grant) -> Rule:
    kind = Kind.TOPIC if grant.resource is Resource.TOPIC else Kind.GROUP
    operation = Operation.READ if grant.right is Right.READ else Operation.WRITE
    return Rule(kind, grant.name, LITERAL, f"User:{grant.user}", EVERYBODY, operation, ALLOW)


def _touches(rule: Rule, ours: Iterable[Rule]) -> bool:
    return any(rule.covers(Kind(our.kind), our.name) for our in ours)


def _too_much(rule: Rule) -> str:
    return (
        f"{rule.in_words()}; expected nobody but those of the table (shared/topics.py); "
        f"take it away (kafka-acls.sh --remove), unless it is an administrator's"
    )


async def _rules(client: AIOKafkaAdminClient) -> set[Rule]:
    answer = await _ask(client, DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
    _refuse(answer.error_code, "told no access rules")
    return {Rule(kind, name, pattern, *rule) for kind, name, pattern, rules in answer.resources for rule in rules}


async def make_rule(client: AIOKafkaAdminClient, rule: Rule) -> None:
    answer = await _ask(client, CreateAclsRequest(*rule))
    for code, _words in answer.creation_responses:
        _refuse(code, f"made no access rule that {rule.in_words()}")


async def _ask(client: AIOKafkaAdminClient, request: Any) -> Any:
    """The client has the requests about access rules, but no calls for them."""
    return await client._send_request(request)


def _refuse(code: int, what: str) -> None:
    error = for_code(code)
    if error is SecurityDisabled:
        raise Failed(f"Kafka {what}: it has no authorizer, so everybody may do everything; set authorizer.class.name")
    if error is not NoError:
        raise Failed(f"Kafka {what}: {error.__name__}; expected an administrator's login (KAFKA_SASL_USERNAME)")
