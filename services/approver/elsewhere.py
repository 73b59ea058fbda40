"""What other services have put into quarantine, as their `Quarantined` events tell: for VNG's staff to see.

What became of it there no event tells; only that service's own quarantine knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, MetaData, Table, Text, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert

from shared.database import Reading, Transaction
from shared.events import Quarantined
from shared.messaging.quarantine import storable
from shared.messaging.settling import Origin, which
from shared.topics import SERVICES

metadata = MetaData()

table = Table(
    "quarantined_elsewhere",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("service", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("quarantined_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("service", "topic", "partition", "offset"),
)

_PUT = insert(table).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class Report:
    id: int
    service: str
    topic: str
    partition: int
    offset: int
    reason: str
    quarantined_at: datetime

    @property
    def origin(self) -> Origin:
        return Origin(self.topic, self.partition, self.offset)


_COLUMNS = [table.c[it.name] for it in fields(Report)]


async def keep_reports(told: Sequence[Quarantined], tx: Transaction) -> None:
    """Each once. One that names no service or place of ours is refused: a page turns it into a command line."""
    rows = []
    for event in told:
        origin = Origin(event.topic, event.partition, event.offset)
        if event.service not in SERVICES or which(str(origin)) != origin:
            tx.refuse(event, "unknown_origin")
        else:
            rows.append({**event.model_dump(), "reason": storable(event.reason)})
    if rows:
        await tx.execute(_PUT, rows)


async def newest(tx: Reading, most: int, before: int) -> list[Report]:
    """Up to `most` below the number `before`."""
    found = select(*_COLUMNS).where(table.c.id < before).order_by(table.c.id.desc()).limit(most)
    return [Report(**row._asdict()) for row in await tx.execute(found)]
