"""Registrar's tables and what is done to them, set by set.

Locks are taken in one order everywhere (partners, accounts, registrations, each sorted), so batches never deadlock.
What a partner has open and which account is held are read under these locks, from the registrations themselves; the
partial unique index is the last guard.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from services.registrar.domain import Decided, Registration, Status
from services.registrar.opening import Policy, Standing
from shared.database import Transaction
from shared.events import Locale, RegistrationRequested
from shared.rows import columns_of, reader
from shared.sets import insert_many, lists, update_many
from shared.stores import append_history, listed, lock_accounts

metadata = MetaData()

partners = Table("partners", metadata, Column("partner_id", Text, primary_key=True))

early_withdrawals = Table(
    "early_withdrawals",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("partner_id", Text, primary_key=True),
)

_OPEN_SQL = "status in ('awaiting_confirmation', 'awaiting_approval')"
_HOLDING_SQL = "status in ('awaiting_confirmation', 'awaiting_approval', 'approved')"
# Of one that was withdrawn before its request the customer was never asked.
_WITHDRAWN_SQL = "status = 'withdrawn' and version > 1"

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
    Index("registrations_holder_key", "customer_email", unique=True, postgresql_where=text(_HOLDING_SQL)),
    Index("registrations_open_idx", "partner_id", postgresql_where=text(_OPEN_SQL)),
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
        postgresql_where=text(_WITHDRAWN_SQL),
    ),
)

r = registrations.c
_COLUMNS = columns_of(registrations, Registration)
_registration = reader(Registration, locale=Locale, requester_locale=Locale, status=Status, codes=tuple)

_ADD_PARTNERS = (
    insert(partners)
    .from_select(["partner_id"], select(func.unnest(listed("partner_ids", Text()))))
    .on_conflict_do_nothing()
)
_LOCK_PARTNERS = (
    select(partners)
    .where(partners.c.partner_id == any_(listed("partner_ids", Text())))
    .order_by(partners.c.partner_id)
    .with_for_update()
)
_REGISTRATIONS = select(*_COLUMNS).where(r.registration_id == any_(listed("ids", Uuid())))
_LOCK_REGISTRATIONS = _REGISTRATIONS.order_by(r.registration_id).with_for_update()
# The conditions are written out, as in the indexes: the planner uses a partial index only where it can see them.
_HELD = select(r.customer_email).where(r.customer_email == any_(listed("emails", Text())), text(_HOLDING_SQL))
_OPEN_COUNT = (
    select(r.partner_id, func.count().label("open"))
    .where(r.partner_id == any_(listed("partner_ids", Text())), text(_OPEN_SQL))
    .group_by(r.partner_id)
)
_DECLINED = select(r.customer_email, r.partner_id).where(
    r.customer_email == any_(listed("emails", Text())),
    r.changed_at > bindparam("since", type_=DateTime(timezone=True)),
    text("status = 'declined'"),
)
_WITHDRAWALS = (
    select(r.customer_email, r.partner_id, func.count().label("times"))
    .where(
        r.customer_email == any_(listed("emails", Text())),
        r.changed_at > bindparam("since", type_=DateTime(timezone=True)),
        text(_WITHDRAWN_SQL),
    )
    .group_by(r.customer_email, r.partner_id)
)
_EARLY = select(early_withdrawals).where(early_withdrawals.c.registration_id == any_(listed("ids", Uuid())))
_EARLY_ONE = ("registration_id", "partner_id")
_KEEP_EARLY = insert_many(early_withdrawals, _EARLY_ONE).on_conflict_do_nothing()
_FORGET_EARLY = delete(early_withdrawals).where(early_withdrawals.c.registration_id == any_(listed("ids", Uuid())))
_MOVING = ("status", "version", "changed_at", "account_id", "locale")
_MOVE = update_many(registrations, ["registration_id"], _MOVING)


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Registration]:
    """The known registrations, locked in order of id."""
    rows = await tx.execute(_LOCK_REGISTRATIONS, {"ids": sorted(set(ids))})
    return {row.registration_id: _registration(row) for row in rows}


async def lock_partners(tx: Transaction, partner_ids: Iterable[str]) -> None:
    """Until this transaction ends, no request and no withdrawal of these partners is decided elsewhere."""
    ordered = sorted(set(partner_ids))
    await tx.execute(_ADD_PARTNERS, {"partner_ids": ordered})
    await tx.execute(_LOCK_PARTNERS, {"partner_ids": ordered})


async def get(tx: Transaction, registration_id: UUID) -> Registration | None:
    """As it is now, not locked."""
    row = (await tx.execute(_REGISTRATIONS, {"ids": [registration_id]})).first()
    return _registration(row) if row else None


async def lock_standing(
    tx: Transaction, requests: Sequence[RegistrationRequested], policy: Policy
) -> tuple[Standing, dict[UUID, Registration]]:
    """All that counts when `requests` are decided, locked: no other batch decides the same partner or account."""
    partner_ids = sorted({request.partner_id for request in requests})
    emails = sorted({request.customer_email for request in requests})
    await lock_partners(tx, partner_ids)
    accounts = await lock_accounts(tx, emails)
    ids = [request.registration_id for request in requests]
    known = await lock(tx, ids)
    held = await tx.execute(_HELD, {"emails": emails})
    open_count = await tx.execute(_OPEN_COUNT, {"partner_ids": partner_ids})
    declined = await tx.execute(_DECLINED, {"emails": emails, "since": tx.now - policy.decline_cooldown})
    since = tx.now - policy.withdrawal_cooldown
    withdrawals = await tx.execute(_WITHDRAWALS, {"emails": emails, "since": since})
    standing = Standing(
        accounts=accounts,
        held=set(held.scalars()),
        open_count=Counter({row.partner_id: row.open for row in open_count}),
        declined={(row.customer_email, row.partner_id) for row in declined},
        withdrawals={(row.customer_email, row.partner_id): row.times for row in withdrawals},
        withdrawn=await _withdrawn_early(tx, ids),
    )
    return standing, known


async def _withdrawn_early(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    partners_of: defaultdict[UUID, set[str]] = defaultdict(set)
    for row in await tx.execute(_EARLY, {"ids": ids}):
        partners_of[row.registration_id].add(row.partner_id)
    return {registration_id: frozenset(them) for registration_id, them in partners_of.items()}


async def save(tx: Transaction, decided: Decided) -> None:
    """Everything that was decided: rows, history, and what is told once this transaction commits."""
    await tx.insert(registrations, list(decided.new.values()))
    if decided.new:
        await tx.execute(_FORGET_EARLY, {"ids": list(decided.new)})
    if decided.early:
        await tx.execute(_KEEP_EARLY, lists(decided.early, _EARLY_ONE))
    await _move(tx, decided.changed)
    await append_history(tx, decided.history)
    tx.emit(*decided.told)
    for event, reason in decided.misfits:
        tx.refuse(event, reason)


async def _move(tx: Transaction, changed: Mapping[UUID, Registration]) -> None:
    if changed:
        await tx.execute(_MOVE, lists(list(changed.values()), ("registration_id", *_MOVING)))
