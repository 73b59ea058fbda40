"""Notifier's tables but the queue, set by set. Known rows are locked in order; new ones are written whole (decision 5).

A resend and its confirmation may be read at once, in two transactions that do not see each other's rows: who may hold
a resend and who may open a confirmation shut each other out (`shut_out_resends`, `shut_out_openings`), so one of them
sees what the other did. That lock comes before all others.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    func,
    select,
    text,
)

from services.notifier import queue
from services.notifier.domain import Confirmation, Decided, Status
from services.notifier.resends import Resend
from shared.database import Reading, Transaction
from shared.events import Locale
from shared.rows import columns_of, reader
from shared.sets import lists, update_many
from shared.stores import NOTHING_KNOWN, append_history, listed, write_changes

MOMENT = DateTime(timezone=True)

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
    Column("period", Integer, nullable=False),
    Column("asked_at", MOMENT, nullable=False),
    Column("sent_at", MOMENT),
    Column("valid_until", MOMENT),
    Column("reminded", Integer, nullable=False),
    Column("reminded_to", MOMENT),
    Column("undeliverable", Boolean, nullable=False),
    Column("mailed", Boolean, nullable=False),
    Column("due_at", MOMENT),
    Column("answered_at", MOMENT),
    Column("ended_at", MOMENT),
    Column("outcome", Text),
    Column("reasons", ARRAY(Text), nullable=False),
    Index("confirmations_due_idx", "due_at", postgresql_where=text("due_at is not null")),
)

resends = Table(
    "resends",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("requested_at", MOMENT, primary_key=True),
    Column("partner_id", Text, primary_key=True),
    Column("requested_by", Text, nullable=False),
    Column("answer", Text),
)

reviews = Table(
    "reviews",
    metadata,
    Column("registration_id", Uuid, primary_key=True),
    Column("partner_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("claimed_by", Text),
    Column("due_at", MOMENT, nullable=False),
)

c = confirmations.c
r = resends.c

COLUMNS = columns_of(confirmations, Confirmation)
confirmation = reader(Confirmation, locale=Locale, requester_locale=Locale, status=Status, reasons=tuple)
"""Of a row that begins with the COLUMNS."""

_GET = select(*COLUMNS).where(c.registration_id == any_(listed("ids", Uuid())))
_LOCK = _GET.order_by(c.registration_id).with_for_update()
DUE = (
    select(*COLUMNS)
    .where(c.due_at <= bindparam("now", type_=MOMENT))
    .order_by(c.due_at)
    .limit(bindparam("most", type_=Integer()))
    .offset(bindparam("skip", type_=Integer()))
    .with_for_update(skip_locked=True)
)

CHANGING = (
    "status", "version", "period", "asked_at", "sent_at", "valid_until", "reminded", "reminded_to", "undeliverable",
    "mailed", "due_at", "answered_at", "ended_at", "outcome", "reasons",
)  # fmt: skip

_GATE = func.hashtextextended("resends and openings", 0)
_SHUT_OUT_RESENDS = select(func.pg_advisory_xact_lock_shared(_GATE))
_SHUT_OUT_OPENINGS = select(func.pg_advisory_xact_lock(_GATE))
_ASKED = select(resends).where(r.registration_id == any_(listed("ids", Uuid())))
_HELD = _ASKED.where(r.answer.is_(None))
_RESEND = ("registration_id", "requested_at", "partner_id")
_ANSWER = update_many(resends, _RESEND, ["answer"])


async def shut_out_resends(tx: Transaction) -> None:
    """Until this transaction ends nobody else holds a resend. Openings go on side by side."""
    await tx.execute(_SHUT_OUT_RESENDS)


async def shut_out_openings(tx: Transaction) -> None:
    """Until this transaction ends nobody else opens a confirmation, nor answers a resend."""
    await tx.execute(_SHUT_OUT_OPENINGS)


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Confirmation]:
    return _by_id(await tx.execute(_LOCK, {"ids": sorted(set(ids))}))


async def get(tx: Reading, ids: Iterable[UUID]) -> dict[UUID, Confirmation]:
    """As they are now, not locked."""
    return _by_id(await tx.execute(_GET, {"ids": list(set(ids))}))


async def claim_due(tx: Transaction, most: int, skip: int) -> list[Confirmation]:
    """Up to `most` that are due, longest due first, after the first `skip` of them, locked. What somebody else has in
    hand is left to them."""
    return [confirmation(row) for row in await tx.execute(DUE, {"now": tx.now, "most": most, "skip": skip})]


async def save(tx: Transaction, decided: Decided, known: Mapping[UUID, Confirmation] = NOTHING_KNOWN) -> None:
    """What was decided on what was `known`, as locked in this transaction."""
    await write_changes(tx, confirmations, decided.changed, known, CHANGING)
    queue.put(tx, decided.mails)
    tx.insert(confirmations, list(decided.new.values()))
    append_history(tx, decided.history)
    tx.emit(*decided.told)


async def not_asked_before(tx: Transaction, requests: Iterable[Resend]) -> list[Resend]:
    """Those whose key is not there yet, each once."""
    by_key = {it.key: it for it in requests}
    for row in await tx.execute(_ASKED, {"ids": list({it.registration_id for it in by_key.values()})}):
        by_key.pop((row.registration_id, row.requested_at, row.partner_id), None)
    return list(by_key.values())


async def held_resends(tx: Transaction, ids: Iterable[UUID]) -> list[Resend]:
    rows = await tx.execute(_HELD, {"ids": list(ids)})
    return [Resend(row.registration_id, row.requested_at, row.partner_id, row.requested_by) for row in rows]


def keep_resends(tx: Transaction, requests: Sequence[Resend]) -> None:
    tx.insert(resends, requests)


async def keep_answers(tx: Transaction, requests: Sequence[Resend]) -> None:
    """Of resends that were held."""
    if requests:
        await tx.execute(_ANSWER, lists(requests, (*_RESEND, "answer")))


def _by_id(rows: Any) -> dict[UUID, Confirmation]:
    return {it.registration_id: it for it in map(confirmation, rows.all())}
