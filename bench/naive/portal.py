"""The portal's list, the naive way: topics come in any order, and a status only moves forward."""

from sqlalchemy import ColumnElement, true
from sqlalchemy.dialects.postgresql import insert

from bench.naive.events import CustomerConfirmed, RegistrationApproved, RegistrationOpened
from bench.naive.models import Listed, now
from bench.naive.service import on, run, sessions
from shared.events import Event

_FACTS = {"registration_id", "partner_id", "partner_name", "customer_email", "common_name", "role"}


async def _list(event: Event, status: str, where: ColumnElement[bool]) -> None:
    """`where`: the row that is there already takes the new status."""
    as_it_is = {"status": status, "changed_at": now()}
    async with sessions() as session:
        new = insert(Listed).values(event.model_dump(include=_FACTS) | as_it_is)
        await session.execute(new.on_conflict_do_update(index_elements=["registration_id"], set_=as_it_is, where=where))
        await session.commit()


@on("registration-opened.v1", "portal")
async def list_opened(event: RegistrationOpened) -> None:
    await _list(event, "awaiting_confirmation", Listed.status == "requested")


@on("customer-confirmed.v1", "portal")
async def list_confirmed(event: CustomerConfirmed) -> None:
    await _list(event, "awaiting_approval", Listed.status == "awaiting_confirmation")


@on("registration-approved.v1", "portal")
async def list_approved(event: RegistrationApproved) -> None:
    await _list(event, "approved", true())


if __name__ == "__main__":
    run()
