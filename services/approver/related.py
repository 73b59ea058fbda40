"""What approver knows beside a case: the partner's other registrations, and other cases of the same account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, bindparam, select

from services.approver.domain import Case, Status
from services.approver.store import c
from shared.database import Reading
from shared.personal import GONE

MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Other:
    """Another case, in short. `outcome` is registrar's final word."""

    registration_id: UUID
    partner_name: str
    customer_email: str
    common_name: str
    status: Status
    outcome: str | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Related:
    """The newest first, MOST_SHOWN at most; `more_of_partner` and `more_of_account`: there are others."""

    of_partner: list[Other]
    more_of_partner: bool
    of_account: list[Other]
    more_of_account: bool


_MOST = bindparam("most", type_=Integer())
_COLUMNS = (
    c.registration_id,
    c.partner_name,
    c.customer_email,
    c.common_name,
    c.status,
    c.outcome,
    c.opened_at,
)  # fmt: skip
_OTHERS = select(*_COLUMNS).where(c.registration_id != bindparam("id")).order_by(c.opened_at.desc()).limit(_MOST)
_OF_PARTNER = _OTHERS.where(c.partner_id == bindparam("partner_id"))
_OF_ACCOUNT = _OTHERS.where(c.customer_email == bindparam("email"))


async def of(tx: Reading, case: Case) -> Related:
    """As they are now, not locked."""
    of_partner = await _others(tx, _OF_PARTNER, {"id": case.registration_id, "partner_id": case.partner_id})
    is_known = case.customer_email != GONE
    email = {"id": case.registration_id, "email": case.customer_email}
    of_account = await _others(tx, _OF_ACCOUNT, email) if is_known else []
    return Related(
        of_partner[:MOST_SHOWN],
        len(of_partner) > MOST_SHOWN,
        of_account[:MOST_SHOWN],
        len(of_account) > MOST_SHOWN,
    )


async def _others(tx: Reading, statement: Select[Any], values: dict[str, Any]) -> list[Other]:
    rows = await tx.execute(statement, {**values, "most": MOST_SHOWN + 1})
    return [Other(**row._asdict() | {"status": Status(row.status)}) for row in rows]
