"""Records that can never be accepted, kept whole: bytes, headers, origin, reason. Nothing here blocks a partition.

A record's origin (topic, partition, offset) is its key, so a batch that comes again quarantines nothing twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import insert

from shared.database import Transaction
from shared.events import Quarantined

table = Table(
    "quarantine",
    MetaData(),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("quarantined_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("topic", "partition", "offset"),
    CheckConstraint("state in ('quarantined', 'replayed', 'discarded')", name="state"),
)

REASON_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Misfit:
    """A record and why it can never be accepted: `code` or `code: detail`."""

    record: ConsumerRecord
    reason: str


async def put(tx: Transaction, misfits: list[Misfit], service: str, prefix: str) -> None:
    """Keep `misfits` and tell operators of those not kept before."""
    if not misfits:
        return
    kept = await tx.execute(
        insert(table)
        .values([_row(misfit, tx.now, prefix) for misfit in misfits])
        .on_conflict_do_nothing()
        .returning(table.c.topic, table.c.partition, table.c.offset, table.c.reason)
    )
    for row in kept:
        tx.emit(
            Quarantined(
                service=service,
                topic=row.topic,
                partition=row.partition,
                offset=row.offset,
                reason=row.reason,
                quarantined_at=tx.now,
            )
        )


def _row(misfit: Misfit, now: datetime, prefix: str) -> dict[str, Any]:
    record = misfit.record
    return {
        "topic": record.topic.removeprefix(prefix),
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key,
        "value": record.value,
        "headers": [[name, None if value is None else value.hex()] for name, value in record.headers],
        "reason": misfit.reason.replace("\x00", "�")[:REASON_LENGTH],
        "state": "quarantined",
        "quarantined_at": now,
    }
