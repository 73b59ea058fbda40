"""What committed transactions still owe to Kafka. A row leaves only after Kafka acknowledged it, in the order written.

Two transactions that touch the same registration wait for each other's row locks, so `position`, taken at the insert,
orders their events as their commits were ordered. The columns are those that Debezium's outbox event router expects.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text, Uuid
from uuid_utils.compat import uuid7

from shared.events import Event, Quarantined
from shared.topics import topic_of
from shared.tracing import NOTHING

table = Table(
    "outbox",
    MetaData(),
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)


OWED = "outbox"
"""The signal that a commit owes something new."""


class Owed(NamedTuple):
    """One row. Its `id` is the event's `ce_id`, however often it is published."""

    id: UUID
    aggregatetype: str
    aggregateid: str
    type: str
    topic: str
    payload: str
    headers: str
    occurred_at: datetime


def owed(event: Event, service: str, now: datetime, headers: str = NOTHING) -> Owed:
    """`headers`: JSON, of those that go beside CloudEvents' own."""
    return Owed(
        id=uuid7(),
        aggregatetype="service" if isinstance(event, Quarantined) else "registration",
        aggregateid=event.key,
        type=event.type(),
        topic=topic_of(type(event), service),
        payload=event.model_dump_json(),
        headers=headers,
        occurred_at=now,
    )
