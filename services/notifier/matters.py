"""What mails are about, as stored: the reviews that approver told of, and all that a message needs to be written."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Uuid, any_, select
from sqlalchemy.dialects.postgresql import insert

from services.notifier import queue, store
from services.notifier.domain import MailKind
from services.notifier.mails import TO_STAFF, Matter, Review
from services.notifier.queue import Claimed
from services.notifier.store import reviews
from shared.database import Reading, Transaction
from shared.stores import listed

_PUT = insert(reviews).on_conflict_do_nothing().returning(reviews.c.registration_id)
_claimed = queue.CLAIM.cte("claimed")
_CLAIM = select(*store.COLUMNS, _claimed).select_from(
    _claimed.outerjoin(store.confirmations, store.confirmations.c.registration_id == _claimed.c.mail_of)
)
_GET = select(reviews).where(reviews.c.registration_id == any_(listed("ids", Uuid())))


async def keep_reviews(tx: Transaction, due: Sequence[Review]) -> list[Review]:
    """Those that were not known: the first that was told of a registration stays."""
    new = set((await tx.execute(_PUT, [asdict(it) for it in due])).scalars())
    return [it for it in due if it.registration_id in new]


async def claim(tx: Transaction, most: int, lease: timedelta = queue.LEASE) -> list[tuple[Claimed, Matter]]:
    """Up to `most` mails that are due, oldest first, and what each is about. Nobody else sends them before the lease
    ends."""
    rows = (await tx.execute(_CLAIM, queue.terms(tx.now, most, lease))).all()
    claimed = [queue.claimed(row) for row in rows]
    due = await _reviews(tx, {it.mail.registration_id for it in claimed if it.mail.kind in TO_STAFF})
    refused = {it.mail.registration_id for it in claimed if it.mail.kind is MailKind.PARTNER_UNDELIVERABLE}
    words = await queue.refusals(tx, refused) if refused else {}
    return [
        (
            it,
            Matter(
                store.confirmation(row) if row.registration_id else None,
                due.get(it.mail.registration_id),
                words.get((it.mail.registration_id, it.mail.period)),
            ),
        )
        for it, row in zip(claimed, rows, strict=True)
    ]


async def _reviews(tx: Reading, ids: Iterable[UUID]) -> dict[UUID, Review]:
    if not (wanted := list(ids)):
        return {}
    rows = (await tx.execute(_GET, {"ids": wanted})).mappings()
    return {row["registration_id"]: Review(**row) for row in rows}
