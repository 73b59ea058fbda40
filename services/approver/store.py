"""Approver's cases, set by set. Accounts are locked before cases, each in order, wherever both are."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
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
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.approver.domain import Case, Decided, Status
from services.approver.facts import Facts
from shared.database import Reading, Transaction
from shared.eligibility import Account
from shared.events import Billing
from shared.rows import columns_of, reader
from shared.searching import FEW_WAITING, folded
from shared.stores import NOTHING_KNOWN, append_history, listed, lock_accounts, write_changes

metadata = MetaData()

QUEUE = "cases"
"""What pages watch that show many cases; those of one watch its id."""

OPEN_SQL = "status = 'open'"
OVER_SQL = "status <> 'open'"
OVER_SINCE_SQL = "coalesce(decided_at, final_at)"
CLAIMED_SQL = "status = 'open' and claimed_until is not null"
CURRENT_CUSTOMERS_SQL = "status = 'open' and current_customer"
_NOT_TOLD_SQL = "status = 'open' and due_told_at is null"


def _words_index(name: str, where: str) -> Index:
    return Index(name, "words", postgresql_using="gin", postgresql_with=FEW_WAITING, postgresql_where=text(where))


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
    Column("facts", JSON(none_as_null=True)),
    Column("waiting_since", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("due_told_at", DateTime(timezone=True)),
    Column("claimed_by", Text),
    Column("claimed_until", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("outcome", Text),
    Column("final_at", DateTime(timezone=True)),
    Column("current_customer", Boolean, nullable=False),
    Column("search_text", Text, nullable=False),
    Column("words", TSVECTOR, Computed("array_to_tsvector(string_to_array(search_text, ' '))", persisted=True)),
    CheckConstraint("status <> 'open' or due_at is not null", name="an_open_case_is_due"),
    Index("cases_open_idx", "due_at", "registration_id", postgresql_where=text(OPEN_SQL)),
    Index("cases_open_account_idx", "customer_email", postgresql_where=text(OPEN_SQL)),
    Index("cases_partner_idx", "partner_id", "opened_at"),
    Index("cases_account_idx", "customer_email", "opened_at"),
    Index("cases_not_told_idx", "due_at", postgresql_where=text(_NOT_TOLD_SQL)),
    Index("cases_claimed_idx", "claimed_until", postgresql_where=text(CLAIMED_SQL)),
    Index("cases_claimer_idx", "claimed_by", "due_at", "registration_id", postgresql_where=text(CLAIMED_SQL)),
    Index("cases_current_idx", "due_at", "registration_id", postgresql_where=text(CURRENT_CUSTOMERS_SQL)),
    Index("cases_over_idx", text(OVER_SINCE_SQL), "registration_id", postgresql_where=text(OVER_SQL)),
    # Two, as a word may be common among the cases that are over and rare among the open ones. No list of words waits to
    # be sorted in: whoever searches would have to read through it.
    _words_index("cases_open_words_idx", OPEN_SQL),
    _words_index("cases_over_words_idx", OVER_SQL),
)

c = cases.c
CASE_COLUMNS = columns_of(cases, Case)


_FACTS = tuple(it.name for it in fields(Facts))
_facts_of = attrgetter(*_FACTS)


def _facts(values: dict[str, Any]) -> Facts:
    return Facts(**values | {"billing": Billing(values["billing"])})


case_of = reader(Case, status=Status, facts=_facts)
"""Of a row that begins with the CASE_COLUMNS."""

_NOW = bindparam("now", type_=DateTime(timezone=True))
_MOST = bindparam("most", type_=Integer())
_SKIP = bindparam("skip", type_=Integer())

_LOCK = (
    select(*CASE_COLUMNS)
    .where(c.registration_id == any_(listed("ids", Uuid())))
    .order_by(c.registration_id)
    .with_for_update()
)
_GET = select(*CASE_COLUMNS).where(c.registration_id == bindparam("id"))
_ACCOUNTS_OF = select(c.customer_email).where(c.registration_id == any_(listed("ids", Uuid()))).distinct()
# The conditions are written out, as in the indexes: the planner uses a partial index only where it can see them.
_LOCK_OPEN_OF = (
    select(*CASE_COLUMNS)
    .where(c.customer_email == any_(listed("emails", Text())), text(OPEN_SQL))
    .order_by(c.registration_id)
    .with_for_update()
)
_TAKE_DUE = (
    select(*CASE_COLUMNS)
    .where(text(_NOT_TOLD_SQL), c.due_at <= _NOW)
    .order_by(c.due_at)
    .limit(_MOST)
    .offset(_SKIP)
    .with_for_update(skip_locked=True)
)
_FIND_LAPSED = (
    select(c.registration_id, c.customer_email)
    .where(text(CLAIMED_SQL), c.claimed_until <= _NOW)
    .order_by(c.claimed_until)
    .limit(_MOST)
    .offset(_SKIP)
)
_TAKE_LAPSED = (
    select(*CASE_COLUMNS)
    .where(c.registration_id == any_(listed("ids", Uuid())), text(CLAIMED_SQL), c.claimed_until <= _NOW)
    .order_by(c.registration_id)
    .with_for_update(skip_locked=True)
)
_CHANGEABLE = (
    "status", "version", "due_told_at", "claimed_by", "claimed_until", "decided_by", "decided_at", "reason",
    "outcome", "final_at", "current_customer",
)  # fmt: skip


async def lock(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Case]:
    rows = (await tx.execute(_LOCK, {"ids": sorted(set(ids))})).all()
    return {it.registration_id: it for it in map(case_of, rows)}


async def lock_open_of(tx: Transaction, emails: Iterable[str]) -> list[Case]:
    """The open cases of these accounts."""
    return [case_of(row) for row in await tx.execute(_LOCK_OPEN_OF, {"emails": sorted(set(emails))})]


async def take_due(tx: Transaction, most: int, skip: int) -> list[Case]:
    """Open cases whose review is due and was not told, locked: those that nobody else has in hand."""
    return [case_of(row) for row in await tx.execute(_TAKE_DUE, {"now": tx.now, "most": most, "skip": skip})]


async def find_lapsed(tx: Transaction, most: int, skip: int) -> dict[UUID, str]:
    """Cases with a claim whose time is over, not locked, and their accounts: these are to be locked first."""
    rows = await tx.execute(_FIND_LAPSED, {"now": tx.now, "most": most, "skip": skip})
    return {row.registration_id: row.customer_email for row in rows}


async def take_lapsed(tx: Transaction, ids: Iterable[UUID]) -> list[Case]:
    """Those of `ids` whose claim is still one whose time is over, locked, and that nobody else has in hand."""
    return [case_of(row) for row in await tx.execute(_TAKE_LAPSED, {"now": tx.now, "ids": sorted(ids)})]


async def get(tx: Reading, registration_id: UUID) -> Case | None:
    """As it is now, not locked."""
    row = (await tx.execute(_GET, {"id": registration_id})).first()
    return case_of(row) if row else None


async def lock_with_accounts(tx: Transaction, ids: Iterable[UUID]) -> tuple[dict[UUID, Case], dict[str, Account]]:
    """The known accounts of these cases, then the cases, in the order of all who lock both."""
    wanted = sorted(set(ids))
    accounts = await lock_accounts(tx, (await tx.execute(_ACCOUNTS_OF, {"ids": wanted})).scalars())
    return await lock(tx, wanted), accounts


async def save(tx: Transaction, decided: Decided, known: Mapping[UUID, Case] = NOTHING_KNOWN) -> None:
    """What was decided on what was `known`, as locked in this transaction."""
    await write_changes(tx, cases, decided.changed, known, _CHANGEABLE)
    tx.insert(cases, [_row(case) for case in decided.new.values()])
    append_history(tx, decided.history)
    tx.emit(*decided.told)
    tell_pages(tx, [*decided.new, *decided.changed])


def tell_pages(tx: Transaction, ids: Collection[UUID]) -> None:
    """Once committed, open pages look again at these cases."""
    if ids:
        tx.changed(QUEUE, *map(str, ids))


def _row(case: Case) -> SimpleNamespace:
    """The driver wants JSON as text."""
    facts = json.dumps(dict(zip(_FACTS, _facts_of(case.facts), strict=True))) if case.facts else None
    words = folded(case.customer_email, case.partner_name, case.common_name)
    return SimpleNamespace(**case._asdict() | {"facts": facts, "search_text": words})
