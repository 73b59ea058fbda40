"""What else counts when requests are decided: read in one statement, once all that it depends on is locked."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.types import TypeEngine

from services.registrar import store
from services.registrar.domain import Registration
from services.registrar.opening import Policy, Standing
from services.registrar.store import HOLDING_SQL, OPEN_SQL, WITHDRAWN_SQL, early_withdrawals
from shared.database import Transaction
from shared.events import RegistrationRequested
from shared.stores import listed, lock_accounts

r = store.registrations.c
e = early_withdrawals.c

_KINDS: Mapping[str, TypeEngine[Any]] = {
    "registration_id": Uuid(),
    "partner_id": Text(),
    "customer_email": Text(),
    "times": Integer(),
}


def _part(what: str, **columns: ColumnElement[Any]) -> Select[Any]:
    """Rows of one kind; the columns that are not given are null."""
    given = [columns.get(name, cast(null(), kind)).label(name) for name, kind in _KINDS.items()]
    return select(literal_column(f"'{what}'").label("what"), *given)


def _since(name: str) -> ColumnElement[bool]:
    return r.changed_at > bindparam(name, type_=DateTime(timezone=True))


_of_these = r.customer_email == any_(listed("emails", Text()))
_of_partners = r.partner_id == any_(listed("partner_ids", Text()))
_early = e.registration_id == any_(listed("ids", Uuid()))
# The conditions are written out, as in the indexes: the planner uses a partial index only where it can see them.
_READ = union_all(
    _part("held", customer_email=r.customer_email).where(_of_these, text(HOLDING_SQL)),
    _part("open", partner_id=r.partner_id, times=func.count())
    .where(_of_partners, text(OPEN_SQL))
    .group_by(r.partner_id),
    _part("declined", partner_id=r.partner_id, customer_email=r.customer_email).where(
        _of_these, _since("declined_since"), text("status = 'declined'")
    ),
    _part("withdrawn", partner_id=r.partner_id, customer_email=r.customer_email, times=func.count())
    .where(_of_these, _since("withdrawn_since"), text(WITHDRAWN_SQL))
    .group_by(r.partner_id, r.customer_email),
    _part("early", registration_id=e.registration_id, partner_id=e.partner_id).where(_early),
)
_FORGET_EARLY = delete(early_withdrawals).where(_early)


async def lock(
    tx: Transaction, requests: Sequence[RegistrationRequested], policy: Policy
) -> tuple[Standing, dict[UUID, Registration]]:
    """All that counts when `requests` are decided, locked: no other batch decides the same partner or account. Who was
    withdrawn before its request is forgotten, as that is decided now."""
    partner_ids = sorted({request.partner_id for request in requests})
    emails = sorted({request.customer_email for request in requests})
    ids = [request.registration_id for request in requests]
    await store.lock_partners(tx, partner_ids)
    accounts = await lock_accounts(tx, emails)
    known = await store.lock(tx, ids)
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in await tx.execute(_READ, _asked(tx, emails, partner_ids, ids, policy)):
        found[row.what].append(row)
    if found["early"]:
        await tx.execute(_FORGET_EARLY, {"ids": ids})
    standing = Standing(
        accounts=accounts,
        held={row.customer_email for row in found["held"]},
        open_count=Counter({row.partner_id: row.times for row in found["open"]}),
        declined={(row.customer_email, row.partner_id) for row in found["declined"]},
        withdrawals={(row.customer_email, row.partner_id): row.times for row in found["withdrawn"]},
        withdrawn=_partners_of(found["early"]),
    )
    return standing, known


def _asked(
    tx: Transaction, emails: Sequence[str], partner_ids: Sequence[str], ids: Sequence[UUID], policy: Policy
) -> dict[str, Any]:
    return {
        "emails": emails,
        "partner_ids": partner_ids,
        "ids": ids,
        "declined_since": tx.now - policy.decline_cooldown,
        "withdrawn_since": tx.now - policy.withdrawal_cooldown,
    }


def _partners_of(early: Sequence[Any]) -> Mapping[UUID, frozenset[str]]:
    found: defaultdict[UUID, set[str]] = defaultdict(set)
    for row in early:
        found[row.registration_id].add(row.partner_id)
    return {registration_id: frozenset(them) for registration_id, them in found.items()}
