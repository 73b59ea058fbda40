"""What happens to one registration, told as the events of the services that tell it, at moments of the test's."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared import events as e
from shared.events import Locale
from shared.web.person import Person

MONDAY = datetime(2026, 8, 24, 2, tzinfo=UTC)
"""Nine in the morning in Vietnam, in a week without holidays."""
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def partners(name: str, partner: str, locale: Locale = Locale.EN) -> Person:
    key = partner.lower().replace(" ", "-")
    email = f"{name.rsplit(maxsplit=1)[-1].lower()}@{key}.example"
    return Person(email, name, key, partner, frozenset({"partner"}), locale)


def staff(email: str, name: str, *roles: str) -> Person:
    return Person(email, name, None, None, frozenset(roles or ("vng-reviewer",)), Locale.EN)


def account(email: str, **changes: Any) -> e.AccountUpdated:
    """One that meets every condition."""
    values: dict[str, Any] = {
        "email": email,
        "account_id": f"vng-{email.partition('@')[0]}",
        "holder_name": "Nguyễn Văn An",
        "locale": Locale.VI,
        "billing": e.Billing.PREPAID,
        "credit_balance": 0,
        "active_services": 0,
        "active_discounts": 0,
        "in_poc": False,
        "vng_customer": False,
        "version": 1,
        "updated_at": MONDAY,
    }
    return e.AccountUpdated(**values | changes)


@dataclass
class Story:
    """One registration of `by`. `at` is when it was requested; the rest follows minutes later."""

    by: Person
    customer_email: str
    common_name: str
    at: datetime = MONDAY
    locale: Locale = Locale.VI
    batch_id: UUID | None = None
    role: str = "Partner"
    registration_id: UUID = field(default_factory=uuid7)

    @property
    def partner_id(self) -> str:
        return self.by.partner_id or ""

    @property
    def partner_name(self) -> str:
        return self.by.partner_name or ""

    @property
    def requested_by(self) -> str:
        return self.by.email

    @property
    def requester_locale(self) -> Locale:
        return self.by.locale or Locale.VI

    def requested(self) -> e.RegistrationRequested:
        return e.RegistrationRequested.about(self, requested_at=self.at)

    def opened(self) -> e.RegistrationOpened:
        return e.RegistrationOpened.about(self, opened_at=self.at + MINUTE)

    def sent(self, number: int = 1, after: timedelta = 2 * MINUTE, left: int | None = None) -> e.ConfirmationSent:
        at = self.at + after
        return e.ConfirmationSent.about(
            self,
            number=number,
            sent_at=at,
            valid_until=at + 15 * DAY,
            resends_left=4 - number if left is None else left,
            next_resend_at=at + 60 * MINUTE,
        )

    def undeliverable(self) -> e.ConfirmationUndeliverable:
        detail = "550 5.1.1 there is no such mailbox here"
        return e.ConfirmationUndeliverable.about(self, detail=detail, failed_at=self.at + 2 * MINUTE)

    def confirmed(self, after: timedelta = 30 * MINUTE) -> e.CustomerConfirmed:
        return e.CustomerConfirmed.about(self, confirmed_at=self.at + after)

    def approved(self, by: str = "hoa@vng.example", after: timedelta = 90 * MINUTE) -> e.RegistrationApproved:
        return e.RegistrationApproved.about(self, account_id="vng-10001", approved_by=by, approved_at=self.at + after)

    def closed(self, outcome: e.Outcome, *reasons: str, after: timedelta = 90 * MINUTE) -> e.RegistrationClosed:
        return e.RegistrationClosed.about(self, outcome=outcome, reasons=reasons, closed_at=self.at + after)
