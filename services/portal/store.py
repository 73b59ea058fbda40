"""The portal's table and what is done to it, set by set.

Rows are inserted and locked in order of id everywhere, so batches never deadlock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
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
)
from sqlalchemy.dialects.postgresql import insert

from services.portal import domain
from services.portal.asks import Asked
from services.portal.domain import Decided, Registration, Status
from services.portal.facts import Fact
from shared.database import Transaction
from shared.events import Locale, RegistrationRequested
from shared.stores import append_history, listed

metadata = MetaData()

registrations = Table(
    "registrations",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("partner_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("batch_id", Uuid),
    Column("partner_name", Text),
    Column("customer_email", Text),
    Column("common_name", Text),
    Column("role", Text),
    Column("requested_by", Text),
    Column("requester_locale", Text),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("mail_number", Integer, nullable=False),
    Column("mail_sent_at", DateTime(timezone=True)),
    Column("valid_until", DateTime(timezone=True)),
    Column("resends_left", Integer),
    Column("next_resend_at", DateTime(timezone=True)),
    Column("undeliverable_at", DateTime(timezone=True)),
    Column("undeliverable_detail", Text),
    Column("resend_requested_at", DateTime(timezone=True)),
    Column("resend_requested_by", Text),
    Column("resend_awaited", Boolean, nullable=False),
    Column("resend_refused_at", DateTime(timezone=True)),
    Column("resend_refused_code", Text),
    Column("withdrawal_asked_at", DateTime(timezone=True)),
    Column("withdrawal_asked_by", Text),
    Column("withdrawal_reason", Text),
    Index("registrations_newest_idx", "partner_id", "requested_at", "registration_id"),
)

r = registrations.c

_ADD_MISSING = insert(registrations).on_conflict_do_nothing()
_ADD = insert(registrations).on_conflict_do_nothing().returning(r.registration_id)
_LOCK = (
    select(registrations)
    .where(r.registration_id == any_(listed("ids", Uuid())))
    .order_by(r.registration_id)
    .with_for_update()
)
_put = insert(registrations)
_PUT = _put.on_conflict_do_update(
    index_elements=[r.registration_id],
    set_={column.name: _put.excluded[column.name] for column in registrations.columns if not column.primary_key},
)
_NEWEST = (
    select(registrations)
    .where(r.partner_id == bindparam("partner_id"))
    .order_by(r.requested_at.desc(), r.registration_id.desc())
    .limit(bindparam("limit"))
)
_ONE = select(registrations).where(r.registration_id == bindparam("id"), r.partner_id == bindparam("partner_id"))
_LOCK_ONE = _ONE.with_for_update()


async def lock(tx: Transaction, facts: Sequence[Fact]) -> dict[UUID, Registration]:
    """The registrations that `facts` are about, locked; a missing one is made first: a lock needs a row."""
    first = {fact.registration_id: domain.missing(fact) for fact in reversed(facts)}
    ids = sorted(first)
    await tx.execute(_ADD_MISSING, [asdict(first[it]) for it in ids])
    return {row.registration_id: _registration(row) for row in await tx.execute(_LOCK, {"ids": ids})}


async def save(tx: Transaction, decided: Decided) -> None:
    if decided.changed:
        await tx.execute(_PUT, [asdict(decided.changed[it]) for it in sorted(decided.changed)])
    await append_history(tx, decided.history)
    for event, reason in decided.misfits:
        tx.refuse(event, reason)


async def request(tx: Transaction, requests: Iterable[RegistrationRequested]) -> set[UUID]:
    """Stores and tells the requests whose ids are new, and answers these: a repeated form adds nothing."""
    made = {it.registration_id: (it, *domain.requested(it)) for it in requests}
    if not made:
        return set()
    rows = await tx.execute(_ADD, [asdict(made[it][1]) for it in sorted(made)])
    added = set(rows.scalars())
    await append_history(tx, [entry for it, (_, _, entry) in made.items() if it in added])
    tx.emit(*(event for it, (event, _, _) in made.items() if it in added))
    return added


async def ask(tx: Transaction, asked: Asked) -> None:
    """Stores and tells what was asked of a registration that `lock_one` gave."""
    await tx.execute(_PUT, [asdict(asked.registration)])
    await append_history(tx, [asked.line])
    tx.emit(asked.event)


async def newest(tx: Transaction, partner_id: str, limit: int) -> list[Registration]:
    rows = await tx.execute(_NEWEST, {"partner_id": partner_id, "limit": limit})
    return [_registration(row) for row in rows]


async def get(tx: Transaction, registration_id: UUID, partner_id: str) -> Registration | None:
    """None for another partner's too."""
    row = (await tx.execute(_ONE, {"id": registration_id, "partner_id": partner_id})).one_or_none()
    return _registration(row) if row else None


async def lock_one(tx: Transaction, registration_id: UUID, partner_id: str) -> Registration | None:
    """As `get`, locked."""
    row = (await tx.execute(_LOCK_ONE, {"id": registration_id, "partner_id": partner_id})).one_or_none()
    return _registration(row) if row else None


def _registration(row: Any) -> Registration:
    values = row._asdict()
    values["status"] = Status(row.status)
    values["requester_locale"] = Locale(row.requester_locale) if row.requester_locale else None
    values["reasons"] = tuple(row.reasons)
    return Registration(**values)
