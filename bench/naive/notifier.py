"""Notifier, the naive way. A registration's end may be read before its beginning, which is another topic's."""

from sqlalchemy.dialects.postgresql import insert

from bench.naive.events import RegistrationApproved, RegistrationOpened
from bench.naive.models import Confirmation, Email, now
from bench.naive.service import on, run, sessions


@on("registration-opened.v1", "notifier")
async def ask_customer(event: RegistrationOpened) -> None:
    async with sessions() as session:
        new = insert(Confirmation).values(event.model_dump(exclude={"opened_at"})).on_conflict_do_nothing()
        if await session.scalar(new.returning(Confirmation.registration_id)):
            session.add(Email(registration_id=event.registration_id, kind="confirmation"))
        await session.commit()


@on("registration-approved.v1", "notifier")
async def tell_the_end(event: RegistrationApproved) -> None:
    over = {"status": "confirmed", "ended_at": now()}
    async with sessions() as session:
        new = insert(Confirmation).values(event.model_dump(exclude={"account_id", "approved_by", "approved_at"}) | over)
        await session.execute(new.on_conflict_do_update(index_elements=["registration_id"], set_=over))
        for kind in ("customer_approved", "partner_approved"):
            session.add(Email(registration_id=event.registration_id, kind=kind))
        await session.commit()


if __name__ == "__main__":
    run()
