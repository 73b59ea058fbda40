"""The portal's table and what is done to it, set by set. How it is listed is in `lists.py`.

Rows are inserted and locked in order of id everywhere, so batches never deadlock. Whatever changes rows of a partner
says so by the partner's id, for pages that are open.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5
from operator import attrgetter
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Computed,
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
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.portal import domain
from services.portal.asks import Asked
from services.portal.domain import Decided, Registration, Status
from shared.database import Reading, Transaction
from shared.events import Locale, RegistrationRequested
from shared.rows import columns_of, reader
from shared.searching import FEW_WAITING
from shared.sets import insert_many, lists, update_many
from shared.stores import NOTHING_KNOWN, append_history, listed, write_changes

metadata = MetaData()

WORDS = (
    "array_to_tsvector(array_remove(string_to_array("
    "regexp_replace(search_text, '([^ ]+)', left(md5(partner_id), 8) || '\\1', 'g'), ' '), ''))"
)
"""Each word of `search_text` behind a mark of the partner's, so that a search reads none of what others have."""

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
    Column("search_text", Text(collation="C"), nullable=False),
    Column("words", TSVECTOR, Computed(WORDS, persisted=True)),
)
r = registrations.c
EMAIL_OR_EMPTY = func.coalesce(r.customer_email, literal_column("''"))

# Each list is read in its order from its index, for one status at a time.
Index("registrations_registered_idx", r.partner_id, r.status, r.requested_at, r.registration_id)
Index("registrations_changed_idx", r.partner_id, r.status, r.changed_at, r.registration_id)
Index("registrations_name_idx", r.partner_id, r.status, r.search_text, r.registration_id)
Index("registrations_email_idx", r.partner_id, r.status, EMAIL_OR_EMPTY, r.registration_id)
Index("registrations_words_idx", r.words, postgresql_using="gin", postgresql_with=FEW_WAITING)
Index("registrations_batch_idx", r.batch_id)

READ = select(*columns_of(registrations, Registration))
registration = reader(Registration, status=Status, requester_locale=Locale, reasons=tuple)
"""Of a row that READ found."""

_COLUMNS = tuple(it.name for it in r if it.computed is None)
_NAMES = ("partner_name", "customer_email", "common_name", "role", "requested_by", "requester_locale")
_names = attrgetter(*_NAMES)
_CHANGING = tuple(name for name in _COLUMNS if name not in {"registration_id", "partner_id", *_NAMES, "search_text"})
_ADD = insert_many(registrations, _COLUMNS).on_conflict_do_nothing().returning(r.registration_id)
_LOCK = READ.where(r.registration_id == any_(listed("ids", Uuid()))).order_by(r.registration_id).with_for_update()
# Names come once, and words are made anew of each row whose names are written.
_CHANGE_NAMES = update_many(registrations, ["registration_id"], (*_NAMES, "search_text"))
_ONE = READ.where(r.registration_id == bindparam("id"), r.partner_id == bindparam("partner_id"))
_LOCK_ONE = _ONE.with_for_update()


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Registration]:
    """Those that are known, locked in order of id."""
    rows = (await tx.execute(_LOCK, {"ids": sorted(set(ids))})).all()
    return {it.registration_id: it for it in map(registration, rows)}


async def save(tx: Transaction, decided: Decided, known: Mapping[UUID, Registration]) -> None:
    """`known` are locked. Raises UniqueViolationError where somebody else has stored a new one meanwhile: the batch is
    read again."""
    new = [decided.changed[it] for it in sorted(decided.changed.keys() - known.keys())]
    changed = {key: it for key, it in decided.changed.items() if it != known.get(key, it)}
    await write_changes(tx, registrations, changed, known, _CHANGING)
    await _rename(tx, [it for key, it in changed.items() if _names(it) != _names(known[key])])
    tx.insert(registrations, new)
    tx.changed(*(it.partner_id for it in decided.changed.values()))
    append_history(tx, decided.history)
    for event, reason in decided.misfits:
        tx.refuse(event, reason)


async def _rename(tx: Transaction, renamed: Sequence[Registration]) -> None:
    if renamed:
        await tx.execute(_CHANGE_NAMES, lists(renamed, ("registration_id", *_NAMES, "search_text")))


async def request(tx: Transaction, requests: Iterable[RegistrationRequested]) -> set[UUID]:
    """Stores and tells the requests whose ids are new, and answers these: a repeated form adds nothing."""
    once = {it.registration_id: it for it in requests}
    added = await add(tx, once.values())
    tx.emit(*(event for key, event in once.items() if key in added))
    return added


async def add(tx: Transaction, requests: Iterable[RegistrationRequested]) -> set[UUID]:
    """As `request`, and tells nothing."""
    made = {it.registration_id: (it, *domain.requested(it)) for it in requests}
    if not made:
        return set()
    rows = await tx.execute(_ADD, lists([made[it][1] for it in sorted(made)], _COLUMNS))
    added = set(rows.scalars())
    append_history(tx, [entry for it, (_, _, entry) in made.items() if it in added])
    tx.changed(*(event.partner_id for it, (event, _, _) in made.items() if it in added))
    return added


async def ask(tx: Transaction, asked: Asked) -> None:
    """Stores and tells what was asked of a registration that `lock_one` gave."""
    await keep(tx, asked)
    tx.emit(asked.event)


async def keep(tx: Transaction, asked: Asked) -> None:
    """As `ask`, and tells nothing."""
    it = asked.registration
    await write_changes(tx, registrations, {it.registration_id: it}, NOTHING_KNOWN, _CHANGING)
    tx.changed(it.partner_id)
    append_history(tx, [asked.line])


async def get(tx: Reading, registration_id: UUID, partner_id: str) -> Registration | None:
    """None for another partner's too."""
    row = (await tx.execute(_ONE, {"id": registration_id, "partner_id": partner_id})).one_or_none()
    return registration(row) if row else None


async def lock_one(tx: Transaction, registration_id: UUID, partner_id: str) -> Registration | None:
    """As `get`, locked."""
    row = (await tx.execute(_LOCK_ONE, {"id": registration_id, "partner_id": partner_id})).one_or_none()
    return registration(row) if row else None


def mark_of(partner_id: str) -> str:
    """What stands before each of the partner's words: see WORDS."""
    return md5(partner_id.encode(), usedforsecurity=False).hexdigest()[:8]
