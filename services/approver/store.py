"""Approver's cases, set by set. Accounts are locked before cases, each in order, wherever both are."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    select,
    text,
    update,
)

from services.approver.domain import Case, Decided, Status
from shared.database import Transaction
from shared.stores import append_history, listed

metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("partner_id", Text, nullable=False),
    Column("partner_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("common_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("claimed_by", Text),
    Column("claimed_until", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("outcome", Text),
    Index("cases_open_idx", "opened_at", "registration_id", postgresql_where=text("status = 'open'")),
    Index("cases_open_account_idx", "customer_email", postgresql_where=text("status = 'open'")),
)

c = cases.c
_OPEN = text("status = 'open'")

_LOCK = (
    select(cases).where(c.registration_id == any_(listed("ids", Uuid()))).order_by(c.registration_id).with_for_update()
)
_GET = select(cases).where(c.registration_id == bindparam("id"))
_LOCK_OPEN_OF = (
    select(cases)
    .where(c.customer_email == any_(listed("emails", Text())), _OPEN)
    .order_by(c.registration_id)
    .with_for_update()
)
_OLDEST_OPEN = (
    select(cases).where(_OPEN).order_by(c.opened_at, c.registration_id).limit(bindparam("most", type_=Integer()))
)
_CHANGEABLE = (
    "status", "version", "claimed_by", "claimed_until", "decided_by", "decided_at", "reason", "outcome"
)  # fmt: skip
_CHANGE = (
    update(cases)
    .where(c.registration_id == bindparam("id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Case]:
    rows = await tx.execute(_LOCK, {"ids": sorted(set(ids))})
    return {row.registration_id: _case(row) for row in rows}


async def lock_open_of(tx: Transaction, emails: Iterable[str]) -> list[Case]:
    """The open cases of these accounts."""
    return [_case(row) for row in await tx.execute(_LOCK_OPEN_OF, {"emails": sorted(set(emails))})]


async def get(tx: Transaction, registration_id: UUID) -> Case | None:
    """As it is now, not locked."""
    row = (await tx.execute(_GET, {"id": registration_id})).first()
    return _case(row) if row else None


async def oldest_open(tx: Transaction, most: int) -> list[Case]:
    return [_case(row) for row in await tx.execute(_OLDEST_OPEN, {"most": most})]


async def save(tx: Transaction, decided: Decided) -> None:
    await tx.insert(cases, list(decided.new.values()))
    if decided.changed:
        await tx.execute(_CHANGE, [_values(case) for case in decided.changed.values()])
    await append_history(tx, decided.history)
    tx.emit(*decided.told)


def _values(case: Case) -> dict[str, Any]:
    return {"id": case.registration_id} | {f"new_{name}": getattr(case, name) for name in _CHANGEABLE}


def _case(row: Any) -> Case:
    values = row._asdict()
    values["status"] = Status(row.status)
    return Case(**values)
