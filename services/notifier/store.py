"""Notifier's confirmations, set by set. Known rows are locked in order; new ones are written whole (decision 5)."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    select,
    update,
)

from services.notifier import queue
from services.notifier.domain import Confirmation, Decided, Status
from shared.database import Transaction
from shared.events import Locale
from shared.stores import append_history, listed

metadata = MetaData()

confirmations = Table(
    "confirmations",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("partner_id", Text, nullable=False),
    Column("partner_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("common_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("locale", Text),
    Column("requested_by", Text, nullable=False),
    Column("requester_locale", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("valid_until", DateTime(timezone=True)),
    Column("answered_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("reasons", ARRAY(Text), nullable=False),
)

c = confirmations.c

_GET = select(confirmations).where(c.registration_id == any_(listed("ids", Uuid())))
_LOCK = _GET.order_by(c.registration_id).with_for_update()
_CHANGE = (
    update(confirmations)
    .where(c.registration_id == bindparam("id"))
    .values(
        status=bindparam("new_status"),
        version=bindparam("new_version"),
        number=bindparam("new_number"),
        valid_until=bindparam("new_valid_until"),
        answered_at=bindparam("new_answered_at"),
        outcome=bindparam("new_outcome"),
        reasons=bindparam("new_reasons"),
    )
)


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Confirmation]:
    return _by_id(await tx.execute(_LOCK, {"ids": sorted(set(ids))}))


async def get(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Confirmation]:
    """As they are now, not locked."""
    return _by_id(await tx.execute(_GET, {"ids": list(set(ids))}))


async def save(tx: Transaction, decided: Decided) -> None:
    await tx.insert(confirmations, list(decided.new.values()))
    await change(tx, decided.changed)
    await queue.put(tx, decided.mails)
    await append_history(tx, decided.history)
    tx.emit(*decided.told)


async def change(tx: Transaction, changed: Mapping[UUID, Confirmation]) -> None:
    if changed:
        await tx.execute(_CHANGE, [_values(it) for it in changed.values()])


def _values(it: Confirmation) -> dict[str, Any]:
    return {
        "id": it.registration_id,
        "new_status": it.status,
        "new_version": it.version,
        "new_number": it.number,
        "new_valid_until": it.valid_until,
        "new_answered_at": it.answered_at,
        "new_outcome": it.outcome,
        "new_reasons": list(it.reasons),
    }


def _by_id(rows: Any) -> dict[UUID, Confirmation]:
    return {row.registration_id: _confirmation(row) for row in rows}


def _confirmation(row: Any) -> Confirmation:
    values = row._asdict()
    values["status"] = Status(row.status)
    values["locale"] = Locale(row.locale) if row.locale else None
    values["requester_locale"] = Locale(row.requester_locale)
    values["reasons"] = tuple(row.reasons)
    return Confirmation(**values)
