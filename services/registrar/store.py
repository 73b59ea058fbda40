"""Registrar's tables and what is done to them, set by set.

Locks are taken in one order everywhere (partners, accounts, registrations, each sorted), so batches never deadlock.
What counts besides when a request is decided is read under these locks (`standing`), from the registrations themselves;
the partial unique index is the last guard.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import (
    ARRAY,
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
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from services.registrar.domain import Decided, Registration, Status
from shared.database import Transaction
from shared.events import Locale
from shared.rows import columns_of, reader
from shared.stores import NOTHING_KNOWN, append_history, listed, write_changes

metadata = MetaData()

partners = Table("partners", metadata, Column("partner_id", Text, primary_key=True))

early_withdrawals = Table(
    "early_withdrawals",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("partner_id", Text, primary_key=True),
)

OPEN_SQL = "status in ('awaiting_confirmation', 'awaiting_approval')"
HOLDING_SQL = "status in ('awaiting_confirmation', 'awaiting_approval', 'approved')"
# Of one that was withdrawn before its request the customer was never asked.
WITHDRAWN_SQL = "status = 'withdrawn' and version > 1"

registrations = Table(
    "registrations",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("batch_id", Uuid),
    Column("partner_id", Text, nullable=False),
    Column("partner_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("common_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("locale", Text),
    Column("account_id", Text),
    Column("requested_by", Text, nullable=False),
    Column("requester_locale", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("codes", ARRAY(Text), nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Index("registrations_holder_key", "customer_email", unique=True, postgresql_where=text(HOLDING_SQL)),
    Index("registrations_open_idx", "partner_id", postgresql_where=text(OPEN_SQL)),
    Index(
        "registrations_declined_idx",
        "customer_email",
        "partner_id",
        "changed_at",
        postgresql_where=text("status = 'declined'"),
    ),
    Index(
        "registrations_withdrawn_idx",
        "customer_email",
        "partner_id",
        "changed_at",
        postgresql_where=text(WITHDRAWN_SQL),
    ),
)

r = registrations.c
_COLUMNS = columns_of(registrations, Registration)
_registration = reader(Registration, locale=Locale, requester_locale=Locale, status=Status, codes=tuple)

_HOW_MANY_KNOWN = (
    select(func.count()).where(partners.c.partner_id == any_(listed("partner_ids", Text()))).scalar_subquery()
)
_LOCK_PARTNERS = (
    select(partners)
    .where(partners.c.partner_id == any_(listed("partner_ids", Text())))
    .order_by(partners.c.partner_id)
    .with_for_update()
)
_LOCK_IF_ALL_ARE_KNOWN = _LOCK_PARTNERS.where(bindparam("wanted", type_=Integer()) == _HOW_MANY_KNOWN)
_ADD_PARTNERS = (
    insert(partners)
    .from_select(["partner_id"], select(func.unnest(listed("partner_ids", Text()))))
    .on_conflict_do_nothing()
)
_REGISTRATIONS = select(*_COLUMNS).where(r.registration_id == any_(listed("ids", Uuid())))
_LOCK_REGISTRATIONS = _REGISTRATIONS.order_by(r.registration_id).with_for_update()
_MOVING = ("status", "version", "changed_at", "account_id", "locale")


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Registration]:
    """The known registrations, locked in order of id."""
    rows = (await tx.execute(_LOCK_REGISTRATIONS, {"ids": sorted(set(ids))})).all()
    return {it.registration_id: it for it in map(_registration, rows)}


async def lock_partners(tx: Transaction, partner_ids: Iterable[str]) -> None:
    """Until this transaction ends, no request and no withdrawal of these partners is decided elsewhere."""
    ordered = sorted(set(partner_ids))
    if not ordered:
        return
    locked = await tx.execute(_LOCK_IF_ALL_ARE_KNOWN, {"partner_ids": ordered, "wanted": len(ordered)})
    if len(locked.all()) < len(ordered):
        await tx.execute(_ADD_PARTNERS, {"partner_ids": ordered})
        await tx.execute(_LOCK_PARTNERS, {"partner_ids": ordered})


async def get(tx: Transaction, registration_id: UUID) -> Registration | None:
    """As it is now, not locked."""
    row = (await tx.execute(_REGISTRATIONS, {"ids": [registration_id]})).first()
    return _registration(row) if row else None


async def save(tx: Transaction, decided: Decided, known: Mapping[UUID, Registration] = NOTHING_KNOWN) -> None:
    """All that was decided on what was `known`, as locked in this transaction: rows, history, what is to be told."""
    await write_changes(tx, registrations, decided.changed, known, _MOVING)
    tx.insert(early_withdrawals, decided.early, known_stay=True)
    tx.insert(registrations, list(decided.new.values()))
    append_history(tx, decided.history)
    tx.emit(*decided.told)
    for event, reason in decided.misfits:
        tx.refuse(event, reason)
