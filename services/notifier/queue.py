"""The `emails` queue: claim, send, mark. A mail is due until it is marked sent or failed.

A claim is a lease: it moves the next attempt ahead, so a mail whose sender died comes again by itself, and the count of
attempts tells a late mark from the right one. A claim is a doubt, too, until its attempt is known not to have delivered
the mail: whose sender died leaves it by itself. Unique by (registration, kind, period, number): no mail is owed twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    any_,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from services.notifier.domain import Mail, MailKind
from shared.database import Reading, Transaction
from shared.stores import listed

LEASE = timedelta(seconds=60)
"""How long a claim holds where no setting says otherwise; longer than one sending may take."""

emails = Table(
    "emails",
    MetaData(),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("registration_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("period", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("doubts", Integer, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("refused_since", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("detail", Text),
    UniqueConstraint("registration_id", "kind", "period", "number"),
    CheckConstraint("state in ('queued', 'sent', 'failed')", name="state"),
    Index("emails_due_idx", "next_attempt_at", postgresql_where=text("state = 'queued'")),
)

e = emails.c


QUEUED = "emails"
"""The signal that a commit owes a new mail."""


class Claimed(NamedTuple):
    """A mail to send now. `attempt` counts from 1; `refused_since` is when its recipient was first put off (4xx).
    `in_doubt`: an earlier attempt may have delivered it."""

    id: int
    mail: Mail
    attempt: int
    queued_at: datetime
    refused_since: datetime | None
    in_doubt: bool


_DUE = (
    select(e.id)
    .where(text("state = 'queued'"), e.next_attempt_at <= bindparam("now", type_=DateTime(timezone=True)))
    .order_by(e.next_attempt_at)
    .limit(bindparam("most", type_=Integer()))
    .with_for_update(skip_locked=True)
)
CLAIM = (
    update(emails)
    .where(e.id.in_(_DUE))
    .values(
        attempts=e.attempts + 1,
        doubts=e.doubts + 1,
        next_attempt_at=bindparam("lease_ends", type_=DateTime(timezone=True)),
    )
    .returning(
        e.id,
        e.registration_id.label("mail_of"),
        e.kind,
        e.number,
        e.period.label("mail_period"),
        e.attempts,
        e.queued_at,
        e.refused_since,
        (e.doubts > 1).label("in_doubt"),  # but for this claim's own
    )
)
"""Up to `most` mails that are due, oldest first; nobody else sends them before the lease ends."""

_STILL_MINE = (e.id == bindparam("mail_id"), e.attempts == bindparam("attempt"), text("state = 'queued'"))
_those = (
    func.unnest(listed("mail_ids", BigInteger()), listed("their_attempts", Integer()), listed("whys", Text()))
    .table_valued("id", "attempt", "why", name="those")
    .render_derived()
)
_ALL_STILL_MINE = (e.id == _those.c.id, e.attempts == _those.c.attempt, text("state = 'queued'"))
_SENT = (
    update(emails).where(*_ALL_STILL_MINE).values(state="sent", sent_at=bindparam("now"), detail=None).returning(e.id)
)
_FAILED = update(emails).where(*_ALL_STILL_MINE).values(state="failed", detail=_those.c.why).returning(e.id)
_LATER = (
    update(emails)
    .where(*_STILL_MINE)
    .values(
        next_attempt_at=bindparam("later"),
        detail=bindparam("why"),
        doubts=e.doubts - bindparam("cleared", type_=Integer()),
        refused_since=func.coalesce(e.refused_since, bindparam("since", type_=DateTime(timezone=True))),
    )
)
_new = insert(emails)
_KEEP_FATE = _new.on_conflict_do_update(
    index_elements=[e.registration_id, e.kind, e.period, e.number],
    set_={name: _new.excluded[name] for name in ("state", "sent_at", "detail")},
)
_REFUSALS = select(e.registration_id, e.period, e.detail).where(
    e.registration_id == any_(listed("ids", Uuid())), e.kind == MailKind.CONFIRMATION.value, text("state = 'failed'")
)


class _Queued(NamedTuple):
    """A row, as it begins."""

    registration_id: UUID
    kind: str
    period: int
    number: int
    queued_at: datetime
    next_attempt_at: datetime
    state: str = "queued"
    attempts: int = 0
    doubts: int = 0
    refused_since: None = None
    sent_at: None = None
    detail: None = None


def put(tx: Transaction, mails: Sequence[Mail]) -> None:
    """Owe `mails`; those owed already stay as they are."""
    if mails:
        owed = [_Queued(it.registration_id, it.kind, it.period, it.number, tx.now, tx.now) for it in mails]
        tx.insert(emails, owed, known_stay=True)
        tx.signal(QUEUED)


def terms(now: datetime, most: int, lease: timedelta) -> dict[str, Any]:
    """The parameters of CLAIM."""
    return {"now": now, "most": most, "lease_ends": now + lease}


def claimed(row: Any) -> Claimed:
    """Of a row that CLAIM answered."""
    mail = Mail(row.mail_of, MailKind(row.kind), row.number, row.mail_period)
    return Claimed(row.id, mail, row.attempts, row.queued_at, row.refused_since, row.in_doubt)


async def mark_sent(tx: Reading, them: Sequence[Claimed]) -> set[int]:
    """The numbers of those that this call marked, not of those that somebody else had marked before."""
    return set((await tx.execute(_SENT, _keys(them, [None] * len(them)) | {"now": tx.now})).scalars())


async def mark_failed(tx: Transaction, them: Sequence[Claimed], whys: Sequence[str]) -> set[int]:
    """These mails will not be sent any more. Answers as `mark_sent`."""
    return set((await tx.execute(_FAILED, _keys(them, whys))).scalars())


async def put_off(tx: Transaction, it: Claimed, until: datetime, why: str, *, refused: bool, in_doubt: bool) -> None:
    """Try again at `until`. `refused`: it was the recipient that the server put off. `in_doubt`: this attempt may have
    delivered the mail."""
    since, cleared = tx.now if refused else None, 0 if in_doubt else 1
    await tx.execute(_LATER, {**_key(it), "later": until, "why": why, "since": since, "cleared": cleared})


async def keep_fates(tx: Transaction, fates: Mapping[Mail, datetime | str]) -> None:
    """Of mails that left before the database was set back: when; or why they never will."""
    rows = [
        {
            **mail._asdict(),
            "state": "failed" if isinstance(fate, str) else "sent",
            "sent_at": None if isinstance(fate, str) else fate,
            "detail": fate if isinstance(fate, str) else None,
            "attempts": 1,
            "doubts": 0,
            "queued_at": tx.now,
            "next_attempt_at": tx.now,
        }
        for mail, fate in fates.items()
    ]
    if rows:
        await tx.execute(_KEEP_FATE, rows)


async def refusals(tx: Reading, ids: Iterable[UUID]) -> dict[tuple[UUID, int], str]:
    """Why confirmation mails failed: the mail server's words, by registration and period."""
    return {(row.registration_id, row.period): row.detail for row in await tx.execute(_REFUSALS, {"ids": list(ids)})}


def _keys(them: Sequence[Claimed], whys: Sequence[str | None]) -> dict[str, Any]:
    return {
        "mail_ids": [it.id for it in them],
        "their_attempts": [it.attempt for it in them],
        "whys": whys,
    }


def _key(it: Claimed) -> dict[str, int]:
    return {"mail_id": it.id, "attempt": it.attempt}
