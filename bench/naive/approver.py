"""Approver, the naive way. A case's end may be read before its beginning, which is another topic's."""

from sqlalchemy.dialects.postgresql import insert

from bench.naive.events import AccountUpdated, CustomerConfirmed, RegistrationApproved
from bench.naive.models import ApproverAccount, Case, now
from bench.naive.service import on, run, sessions

_FACTS = {"registration_id", "partner_id", "partner_name", "customer_email", "common_name", "role"}


@on("account-updated.v1", "approver")
async def keep_account(event: AccountUpdated) -> None:
    async with sessions() as session:
        await session.merge(ApproverAccount(**event.model_dump(exclude={"updated_at"})))
        await session.commit()


@on("customer-confirmed.v1", "approver")
async def open_case(event: CustomerConfirmed) -> None:
    async with sessions() as session:
        account = await session.get(ApproverAccount, event.customer_email)
        current = {"current_customer": account is not None and account.vng_customer}
        new = insert(Case).values(event.model_dump(include=_FACTS) | current)
        await session.execute(new.on_conflict_do_nothing())
        await session.commit()


@on("registration-approved.v1", "approver")
async def close_case(event: RegistrationApproved) -> None:
    over = {"status": "approved", "outcome": "approved", "final_at": now()}
    async with sessions() as session:
        new = insert(Case).values(event.model_dump(include=_FACTS) | over)
        await session.execute(new.on_conflict_do_update(index_elements=["registration_id"], set_=over))
        await session.commit()


if __name__ == "__main__":
    run()
