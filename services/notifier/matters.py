"""What mails are about, as stored: the reviews that approver told of, and all that a message needs to be written."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import Uuid, any_, select
from sqlalchemy.dialects.postgresql import insert

from services.notifier import queue, store
from services.notifier.domain import Mail, MailKind
from services.notifier.mails import TO_STAFF, Matter, Review
from services.notifier.store import reviews
from shared.database import Transaction
from shared.stores import listed

_PUT = insert(reviews).on_conflict_do_nothing().returning(reviews.c.registration_id)
_GET = select(reviews).where(reviews.c.registration_id == any_(listed("ids", Uuid())))


async def keep_reviews(tx: Transaction, due: Sequence[Review]) -> list[Review]:
    """Those that were not known: the first that was told of a registration stays."""
    new = set((await tx.execute(_PUT, [asdict(it) for it in due])).scalars())
    return [it for it in due if it.registration_id in new]


async def of(tx: Transaction, mails: Sequence[Mail]) -> list[Matter]:
    """What each of `mails` is about."""
    known = await store.get(tx, [mail.registration_id for mail in mails])
    due = await _reviews(tx, {mail.registration_id for mail in mails if mail.kind in TO_STAFF})
    refused = {mail.registration_id for mail in mails if mail.kind is MailKind.PARTNER_UNDELIVERABLE}
    words = await queue.refusals(tx, refused) if refused else {}
    return [
        Matter(
            known.get(mail.registration_id),
            due.get(mail.registration_id),
            words.get((mail.registration_id, mail.period)),
        )
        for mail in mails
    ]


async def _reviews(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Review]:
    if not (wanted := list(ids)):
        return {}
    rows = (await tx.execute(_GET, {"ids": wanted})).mappings()
    return {row["registration_id"]: Review(**row) for row in rows}
