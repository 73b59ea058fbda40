"""Records that can never be accepted, kept whole: bytes, headers, origin, reason. Nothing here blocks a partition.

A record's origin (topic, partition, offset) is its key, so a batch that comes again quarantines nothing twice. It waits
until a person replays or discards it (`settling`), and stays after that, with who did it, when and why.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aiokafka import ConsumerRecord
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from shared.database import Transaction
from shared.events import Quarantined


class State(StrEnum):
    QUARANTINED = "quarantined"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


WAITING_SQL = "state = 'quarantined'"

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
    Column("produced_at", DateTime(timezone=True)),
    Column("acted_by", Text),
    Column("acted_at", DateTime(timezone=True)),
    Column("remark", Text),
    UniqueConstraint("topic", "partition", "offset"),
    CheckConstraint("state in ('quarantined', 'replayed', 'discarded')", name="state"),
    Index("quarantine_waiting_idx", "id", postgresql_where=text(WAITING_SQL)),
)
"""`acted_by`, `acted_at` and `remark` tell of the last act: a replay, one that failed again (and why), or a discard."""

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
        "reason": storable(misfit.reason),
        "state": State.QUARANTINED.value,
        "quarantined_at": now,
        "produced_at": _moment(record.timestamp),
    }


def storable(reason: str) -> str:
    return reason.replace("\x00", "�")[:REASON_LENGTH]


def _moment(timestamp: int | None) -> datetime | None:
    """None where there is none, or none that a calendar holds: producers write what they like. In milliseconds."""
    if timestamp is None or timestamp < 0:
        return None
    try:
        return datetime.fromtimestamp(timestamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
