"""Registrar, the naive way."""

from bench.naive.events import (
    AccountUpdated,
    CustomerConfirmed,
    RegistrationApproved,
    RegistrationOpened,
    RegistrationRequested,
    VngApproved,
)
from bench.naive.models import RegistrarAccount, Registration, now
from bench.naive.service import on, publish, run, sessions


@on("account-updated.v1", "registrar")
async def keep_account(event: AccountUpdated) -> None:
    async with sessions() as session:
        await session.merge(RegistrarAccount(**event.model_dump(exclude={"updated_at"})))
        await session.commit()


@on("registration-requested.v1", "registrar")
async def open_registration(event: RegistrationRequested) -> None:
    async with sessions() as session:
        account = await session.get(RegistrarAccount, event.customer_email)
        if account is None or not account.qualifies:
            return
        asked = event.model_dump(exclude={"batch_id"})
        registration = Registration(**asked, locale=account.locale, account_id=account.account_id)
        session.add(registration)
        await session.commit()
    await publish(RegistrationOpened.about(registration, opened_at=now()), "registration-opened.v1")


@on("customer-confirmed.v1", "registrar")
async def await_approval(event: CustomerConfirmed) -> None:
    async with sessions() as session:
        registration = await session.get_one(Registration, event.registration_id, with_for_update=True)
        if registration.status == "awaiting_confirmation":
            registration.status = "awaiting_approval"
            await session.commit()


@on("vng-approved.v1", "registrar")
async def approve(event: VngApproved) -> None:
    """Perhaps before its confirmation, which is another topic's."""
    async with sessions() as session:
        registration = await session.get_one(Registration, event.registration_id, with_for_update=True)
        registration.status = "approved"
        await session.commit()
    approved = RegistrationApproved.about(registration, approved_by=event.approved_by, approved_at=event.approved_at)
    await publish(approved, "registration-approved.v1")


if __name__ == "__main__":
    run()
