"""Tables that several services have, each in its own schema: history, and the newest facts about accounts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID
from zlib import crc32

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.types import TypeEngine

from shared.database import Reading, Transaction
from shared.eligibility import Account, AccountFact, remember
from shared.events import Billing, Locale
from shared.history import Entry
from shared.rows import columns_of, fields_of, reader
from shared.sets import insert_many, lists, update_many

metadata = MetaData()

history = Table(
    "history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("registration_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status_from", Text),
    Column("status_to", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    # Each version is reached once; each fact that changed nothing is noted once.
    Index(
        "history_transition_key",
        "registration_id",
        "version",
        unique=True,
        postgresql_where=text("note = ''"),
    ),
    Index(
        "history_note_key",
        "registration_id",
        "event",
        "note",
        unique=True,
        postgresql_where=text("note <> ''"),
    ),
)

accounts = Table(
    "accounts",
    metadata,
    Column("email", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("holder_name", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("billing", Text, nullable=False),
    Column("credit_balance", BigInteger, nullable=False),
    Column("active_services", Integer, nullable=False),
    Column("active_discounts", Integer, nullable=False),
    Column("in_poc", Boolean, nullable=False),
    Column("vng_customer", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("offset", BigInteger, nullable=False),
)


def listed(name: str, kind: TypeEngine[Any]) -> BindParameter[Any]:
    """A list as one parameter, however long: `column == any_(listed("ids", Uuid()))`."""
    return bindparam(name, type_=ARRAY(kind))


Known = TypeVar("Known", bound=tuple[Any, ...])
NOTHING_KNOWN: Mapping[UUID, Any] = MappingProxyType({})


async def write_changes(
    tx: Transaction, table: Table, changed: Mapping[UUID, Known], known: Mapping[UUID, Known], names: Collection[str]
) -> None:
    """Of registrations as they are now, by id, those of the columns `names` in which any differs from what is `known`
    of it: as locked in this transaction, which has written none of them since. All columns where one is not known. One
    statement, or none."""
    if changed:
        differing = _differing(list(changed.values()), [known.get(it) for it in changed], names)
        if differing:
            await tx.execute(_update(table, differing), lists(list(changed.values()), ("registration_id", *differing)))


def _differing(after: Sequence[Known], before: Sequence[Known | None], names: Collection[str]) -> tuple[str, ...]:
    if None in before:
        return tuple(names)
    columns = zip(fields_of(type(after[0])), zip(*after, strict=True), zip(*before, strict=True), strict=True)
    return tuple(name for name, now, then in columns if name in names and now != then)


@cache
def _update(table: Table, names: tuple[str, ...]) -> Update:
    """What one event changes are few combinations, and the driver keeps a hundred statements of each connection."""
    return update_many(table, ["registration_id"], names)


_of_one = select(history).where(history.c.registration_id == bindparam("id"))
# Each half by its own index: neither holds both, and together they would be read row by row.
_halves = union_all(_of_one.where(text("note = ''")), _of_one.where(text("note <> ''"))).subquery()
_HISTORY = select(_halves).order_by(_halves.c.id)


def append_history(tx: Transaction, entries: Iterable[Entry]) -> None:
    moves: list[Entry] = []
    notes: list[Entry] = []
    for entry in entries:
        (notes if entry.note else moves).append(entry)
    for move in moves:
        tx.stepped(move.event, move.status_to)
    tx.insert(history, moves)
    tx.insert(history, notes, known_stay=True)


async def history_of(tx: Reading, registration_id: UUID) -> list[Entry]:
    """Oldest first."""
    rows = await tx.execute(_HISTORY, {"id": registration_id})
    return [_entry(row) for row in rows]


_MOMENTS = select(history.c.registration_id, history.c.event, history.c.at).where(
    history.c.registration_id == any_(listed("ids", Uuid())), text("note = ''")
)


async def moments_of(tx: Transaction, ids: Iterable[UUID]) -> set[tuple[UUID, str, datetime]]:
    """Of all transitions of these registrations: whose, on which event, when."""
    return {(row.registration_id, row.event, row.at) for row in await tx.execute(_MOMENTS, {"ids": list(ids)})}


_account = reader(Account, locale=Locale, billing=Billing)
_ACCOUNTS = select(*columns_of(accounts, Account)).where(accounts.c.email == any_(listed("emails", Text())))
_LOCK_ACCOUNTS = _ACCOUNTS.order_by(accounts.c.email).with_for_update()
_HOW_MANY_KNOWN = select(func.count()).where(accounts.c.email == any_(listed("emails", Text()))).scalar_subquery()
_LOCK_IF_ALL_ARE_KNOWN = _LOCK_ACCOUNTS.where(bindparam("wanted", type_=Integer()) == _HOW_MANY_KNOWN)
# Each service has a table of accounts of its own, and by that table's number buckets of its own.
_LOCK_BUCKETS = select(
    func.pg_advisory_xact_lock(
        literal_column("'accounts'::regclass::oid::integer"), func.unnest(listed("buckets", Integer()))
    )
)
_BUCKETS = 256


async def lock_accounts(tx: Transaction, emails: Iterable[str]) -> dict[str, Account]:
    """The known accounts. Until this transaction ends none of them changes, and none of the others becomes known.

    A lock protects only a row that exists. Where not all have one, the buckets that the addresses fall into are locked
    too, by whoever asks about them and by whoever is about to store them: buckets before rows, each in order, so no
    two close a circle.
    """
    wanted = sorted(set(emails))
    if not wanted:
        return {}
    rows = (await tx.execute(_LOCK_IF_ALL_ARE_KNOWN, {"emails": wanted, "wanted": len(wanted)})).all()
    if len(rows) < len(wanted):
        await tx.execute(_LOCK_BUCKETS, {"buckets": sorted({crc32(email.encode()) % _BUCKETS for email in wanted})})
        rows = (await tx.execute(_LOCK_ACCOUNTS, {"emails": wanted})).all()
    return {it.email: it for it in map(_account, rows)}


async def find_accounts(tx: Reading, emails: Iterable[str]) -> dict[str, Account]:
    """The known ones as they are now, not locked."""
    wanted = list(set(emails))
    rows = (await tx.execute(_ACCOUNTS, {"emails": wanted})).all() if wanted else []
    return {it.email: it for it in map(_account, rows)}


async def find_account(tx: Reading, email: str) -> Account | None:
    """As it is now, not locked."""
    return (await find_accounts(tx, [email])).get(email)


def _entry(row: Any) -> Entry:
    """The columns after the first stand in the order of the fields."""
    _number, *values = row
    return Entry(*values)


_ACCOUNT = tuple(it.name for it in accounts.columns)
_new = insert_many(accounts, _ACCOUNT)
_PUT_ACCOUNT = _new.on_conflict_do_update(
    index_elements=[accounts.c.email],
    set_={column.name: _new.excluded[column.name] for column in accounts.columns if not column.primary_key},
    where=_new.excluded.version >= accounts.c.version,
)


async def remember_accounts(tx: Transaction, facts: Sequence[AccountFact]) -> dict[str, Account]:
    """Keeps the newest facts. Answers the accounts that changed."""
    before = await lock_accounts(tx, [fact.email for fact in facts])
    after: dict[str, Account] = dict(before)
    for fact in facts:
        if account := remember(after.get(fact.email), fact, tx.offset_of(fact)):
            after[fact.email] = account
    changed = {email: account for email, account in after.items() if account != before.get(email)}
    if changed:
        await tx.execute(_PUT_ACCOUNT, lists([changed[email] for email in sorted(changed)], _ACCOUNT))
    return changed
