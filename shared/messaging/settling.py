"""What people do with quarantined records: look at them, replay them, discard them.

A replay gives the stored bytes to the service's own handler, in one transaction with the mark that says so: it has its
effect once, however often and by however many it is asked for. No topic is written but those that the handler's events
go to. What fails again stays in quarantine and says why. Only a record that waits can be replayed or discarded.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord
from sqlalchemy import ColumnElement, and_, select, text, update

from shared.database import Database, Reading, Transaction
from shared.messaging.batch import Inbox
from shared.messaging.faults import in_words, is_passing
from shared.messaging.quarantine import WAITING_SQL, State, storable, table

c = table.c


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the record stands in Kafka; the topic's name is without prefix."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


Which: TypeAlias = int | Origin
"""A quarantined record: its number, or where it came from, which is all that `Quarantined` tells."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A quarantined record without its bytes."""

    id: int
    topic: str
    partition: int
    offset: int
    reason: str
    state: str
    quarantined_at: datetime
    produced_at: datetime | None
    acted_by: str | None
    acted_at: datetime | None
    remark: str | None

    @property
    def waits(self) -> bool:
        return self.state == State.QUARANTINED


@dataclass(frozen=True, slots=True)
class Kept(Entry):
    """A header's value is in hexadecimal digits, None where it has none."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Replayed:
    entry: Entry


@dataclass(frozen=True, slots=True)
class FailedAgain:
    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class SettledBefore:
    """Nothing was changed. `entry` says what it was, by whom and when."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Discarded:
    entry: Entry


class _NotAccepted(Exception):
    """Takes back what the handler did."""


_ENTRY = [c[it.name] for it in fields(Entry)]
_KEPT = [c[it.name] for it in fields(Kept)]
_LARGEST = 2**63 - 1


def which(text: str) -> Which | None:
    """As people write it: `17`, or `customer-declined.v1:3:17` (topic, partition, offset). None for anything else."""
    if re.fullmatch(r"[0-9]{1,19}", text) and int(text) <= _LARGEST:
        return int(text)
    found = re.fullmatch(r"([A-Za-z0-9._-]{1,249}):([0-9]{1,9}):([0-9]{1,18})", text)
    return Origin(found[1], int(found[2]), int(found[3])) if found else None


def _is(it: Which) -> ColumnElement[bool]:
    if isinstance(it, int):
        return c.id == it
    return and_(c.topic == it.topic, c.partition == it.partition, c.offset == it.offset)


async def waiting(tx: Reading, most: int, after: int = 0) -> list[Entry]:
    """Oldest first: up to `most` beyond the number `after`."""
    found = select(*_ENTRY).where(text(WAITING_SQL), c.id > after).order_by(c.id).limit(most)
    return _entries(await tx.execute(found))


async def settled(tx: Reading, most: int, before: int = _LARGEST) -> list[Entry]:
    """Newest first: up to `most` below the number `before`."""
    found = select(*_ENTRY).where(c.state != State.QUARANTINED.value, c.id < before).order_by(c.id.desc()).limit(most)
    return _entries(await tx.execute(found))


async def every(tx: Transaction, most: int, after: int = 0) -> list[Entry]:
    """As `waiting`, whatever became of them."""
    found = select(*_ENTRY).where(c.id > after).order_by(c.id).limit(most)
    return _entries(await tx.execute(found))


def _entries(rows: Iterable[Any]) -> list[Entry]:
    return [Entry(**row._asdict()) for row in rows]


async def get(tx: Reading, it: Which) -> Kept | None:
    return _kept((await tx.execute(select(*_KEPT).where(_is(it)))).one_or_none())


async def _lock(tx: Transaction, it: Which) -> Kept | None:
    return _kept((await tx.execute(select(*_KEPT).where(_is(it)).with_for_update())).one_or_none())


def _kept(row: Any) -> Kept | None:
    return Kept(**row._asdict()) if row else None


async def replay(database: Database, inbox: Inbox, it: Which, by: str) -> Replayed | FailedAgain | SettledBefore | None:
    """None where there is no such record. Raises what is not the record's fault: the database's errors."""
    try:
        async with database.transaction() as tx:
            kept = await _lock(tx, it)
            if kept is None or not kept.waits:
                return SettledBefore(kept) if kept else None
            await _accept(tx, inbox, kept)
            await _settle(tx, kept, State.REPLAYED, by, None)
        return Replayed(kept)
    except Exception as error:
        if not isinstance(error, _NotAccepted) and is_passing(error, tries=0):
            raise
        why = str(error) if isinstance(error, _NotAccepted) else f"handler_failed: {in_words(error)}"
    return await _stays(database, it, by, why)


async def _accept(tx: Transaction, inbox: Inbox, kept: Kept) -> None:
    """Raises what the handler raises, and _NotAccepted with the reason of a refusal."""
    if why := await inbox.take(_record(kept, inbox.topic_prefix), tx):
        raise _NotAccepted(why)


def _record(kept: Kept, prefix: str) -> ConsumerRecord:
    headers = [(name, None if value is None else bytes.fromhex(value)) for name, value in kept.headers]
    place = (prefix + kept.topic, kept.partition, kept.offset)
    return ConsumerRecord(*place, -1, -1, kept.key, kept.value, None, -1, -1, headers)


async def _stays(database: Database, it: Which, by: str, why: str) -> FailedAgain | SettledBefore | None:
    async with database.transaction() as tx:
        kept = await _lock(tx, it)
        if kept is None or not kept.waits:
            return SettledBefore(kept) if kept else None
        await _settle(tx, kept, State.QUARANTINED, by, f"replay failed: {why}")
        return FailedAgain(kept, why)


async def discard(database: Database, it: Which, by: str, reason: str) -> Discarded | SettledBefore | None:
    """Never to be replayed. None where there is no such record."""
    async with database.transaction() as tx:
        kept = await _lock(tx, it)
        if kept is None or not kept.waits:
            return SettledBefore(kept) if kept else None
        await _settle(tx, kept, State.DISCARDED, by, reason)
        return Discarded(kept)


async def _settle(tx: Transaction, kept: Kept, state: State, by: str, remark: str | None) -> None:
    values = {"state": state.value, "acted_by": by, "acted_at": tx.now, "remark": remark and storable(remark)}
    await tx.execute(update(table).where(c.id == kept.id).values(values))
