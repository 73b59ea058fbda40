"""What the naive programs keep, each in a schema of its own name."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import DateTime, schema
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database import url_for_asyncpg


def now() -> datetime:
    return datetime.now(UTC)


class Model(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}


class Account:
    email: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str]
    holder_name: Mapped[str]
    locale: Mapped[str]
    billing: Mapped[str]
    credit_balance: Mapped[int]
    active_services: Mapped[int]
    active_discounts: Mapped[int]
    in_poc: Mapped[bool]
    vng_customer: Mapped[bool]
    version: Mapped[int]

    @property
    def qualifies(self) -> bool:
        used = self.credit_balance or self.active_services or self.active_discounts or self.in_poc
        return not used and self.billing == "prepaid"


class RegistrarAccount(Account, Model):
    __tablename__ = "accounts"
    __table_args__ = {"schema": "naive_registrar"}


class ApproverAccount(Account, Model):
    __tablename__ = "accounts"
    __table_args__ = {"schema": "naive_approver"}


class Registration(Model):
    __tablename__ = "registrations"
    __table_args__ = {"schema": "naive_registrar"}

    registration_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(index=True)
    partner_name: Mapped[str]
    customer_email: Mapped[str] = mapped_column(unique=True)
    common_name: Mapped[str]
    role: Mapped[str]
    locale: Mapped[str]
    account_id: Mapped[str]
    requested_by: Mapped[str]
    requester_locale: Mapped[str]
    status: Mapped[str] = mapped_column(default="awaiting_confirmation")
    requested_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Confirmation(Model):
    __tablename__ = "confirmations"
    __table_args__ = {"schema": "naive_notifier"}

    registration_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    partner_name: Mapped[str]
    customer_email: Mapped[str]
    common_name: Mapped[str]
    role: Mapped[str]
    locale: Mapped[str]
    requested_by: Mapped[str]
    requester_locale: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    asked_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class Email(Model):
    __tablename__ = "emails"
    __table_args__ = {"schema": "naive_notifier"}

    registration_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="queued")
    queued_at: Mapped[datetime] = mapped_column(default=now)


class Case(Model):
    __tablename__ = "cases"
    __table_args__ = {"schema": "naive_approver"}

    registration_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    partner_name: Mapped[str]
    customer_email: Mapped[str] = mapped_column(index=True)
    common_name: Mapped[str]
    role: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    opened_at: Mapped[datetime] = mapped_column(default=now)
    current_customer: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str | None]
    final_at: Mapped[datetime | None]


class Listed(Model):
    __tablename__ = "registrations"
    __table_args__ = {"schema": "naive_portal"}

    registration_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[str] = mapped_column(index=True)
    partner_name: Mapped[str]
    customer_email: Mapped[str]
    common_name: Mapped[str]
    role: Mapped[str]
    status: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


async def create_tables(url: str) -> None:
    engine = create_async_engine(url_for_asyncpg(url))
    async with engine.begin() as connection:
        for name in ("naive_registrar", "naive_notifier", "naive_approver", "naive_portal"):
            await connection.execute(schema.CreateSchema(name))
        await connection.run_sync(Model.metadata.create_all)
    await engine.dispose()
