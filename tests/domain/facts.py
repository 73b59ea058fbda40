"""Facts that tests begin from: events and accounts that are all right unless a test says otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.eligibility import Account
from shared.events import (
    AccountUpdated,
    Billing,
    ConfirmationExpired,
    ConfirmationResendRequested,
    CustomerConfirmed,
    CustomerDeclined,
    Locale,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    RegistrationRequested,
    RegistrationWithdrawn,
    ReviewDue,
    VngApproved,
    VngRejected,
)

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ONE = UUID("01980000-0000-7000-8000-000000000001")
TWO = UUID("01980000-0000-7000-8000-000000000002")
THREE = UUID("01980000-0000-7000-8000-000000000003")

CUSTOMER = "khách@example.vn"
PARTNER: dict[str, Any] = {"partner_id": "p-1", "partner_name": "Công ty Đối Tác"}
OTHER_PARTNER: dict[str, Any] = {"partner_id": "p-2", "partner_name": "Another Partner"}


def account(email: str = CUSTOMER, **changes: Any) -> Account:
    """One that meets every condition."""
    values: dict[str, Any] = {
        "email": email,
        "account_id": f"account of {email}",
        "holder_name": "Nguyễn Văn Khách",
        "locale": Locale.VI,
        "billing": Billing.PREPAID,
        "credit_balance": 0,
        "active_services": 0,
        "active_discounts": 0,
        "in_poc": False,
        "vng_customer": False,
        "version": 1,
    }
    return Account(**values | changes)


def account_updated(email: str = CUSTOMER, **changes: Any) -> AccountUpdated:
    it = account(email, **changes)
    names = (name for name in AccountUpdated.model_fields if name != "updated_at")
    return AccountUpdated(**{name: getattr(it, name) for name in names}, updated_at=NOW)


def _about(registration_id: UUID, **more: Any) -> dict[str, Any]:
    return {
        "registration_id": registration_id,
        "customer_email": CUSTOMER,
        "common_name": "Khách quen",
        **PARTNER,
        **more,
    }


def _requester() -> dict[str, Any]:
    return {"requested_by": "staff@partner.example", "requester_locale": Locale.EN}


def requested(registration_id: UUID = ONE, **changes: Any) -> RegistrationRequested:
    return RegistrationRequested(**_about(registration_id, **_requester(), requested_at=NOW) | changes)


def opened(registration_id: UUID = ONE, **changes: Any) -> RegistrationOpened:
    values = _about(registration_id, **_requester(), role="Partner", locale=Locale.VI, opened_at=NOW)
    return RegistrationOpened(**values | changes)


def confirmed(registration_id: UUID = ONE, **changes: Any) -> CustomerConfirmed:
    return CustomerConfirmed(**_about(registration_id, role="Partner", confirmed_at=NOW) | changes)


def declined(registration_id: UUID = ONE, reason: str | None = "Không quen") -> CustomerDeclined:
    return CustomerDeclined(registration_id=registration_id, reason=reason, declined_at=NOW)


def expired(registration_id: UUID = ONE) -> ConfirmationExpired:
    return ConfirmationExpired(registration_id=registration_id, expired_at=NOW)


def withdrawn(registration_id: UUID = ONE, **changes: Any) -> RegistrationWithdrawn:
    values: dict[str, Any] = {
        "registration_id": registration_id,
        "partner_id": PARTNER["partner_id"],
        "withdrawn_by": "staff@partner.example",
        "withdrawn_at": NOW,
    }
    return RegistrationWithdrawn(**values | changes)


def vng_approved(registration_id: UUID = ONE, **changes: Any) -> VngApproved:
    values: dict[str, Any] = {"registration_id": registration_id, "approved_by": "lan@vng.example", "approved_at": NOW}
    return VngApproved(**values | changes)


def vng_rejected(registration_id: UUID = ONE, **changes: Any) -> VngRejected:
    values: dict[str, Any] = {
        "registration_id": registration_id,
        "rejected_by": "lan@vng.example",
        "reason": "Not now",
        "rejected_at": NOW,
    }
    return VngRejected(**values | changes)


def registration_approved(registration_id: UUID = ONE, **changes: Any) -> RegistrationApproved:
    values = _about(registration_id, **_requester(), role="Partner", locale=Locale.VI)
    values |= {"account_id": "account-1", "approved_by": "lan@vng.example", "approved_at": NOW}
    return RegistrationApproved(**values | changes)


def registration_closed(
    registration_id: UUID = ONE, outcome: Outcome = Outcome.REJECTED, **changes: Any
) -> RegistrationClosed:
    values = _about(registration_id, **_requester(), locale=Locale.VI, outcome=outcome)
    return RegistrationClosed(**values | {"reasons": ("Not now",), "closed_at": NOW} | changes)


def resend_requested(registration_id: UUID = ONE, at: datetime = NOW, **changes: Any) -> ConfirmationResendRequested:
    values: dict[str, Any] = {"partner_id": "p-1", "requested_by": "staff@partner.example", "requested_at": at}
    return ConfirmationResendRequested(**{"registration_id": registration_id, **values, **changes})


def review_due(registration_id: UUID = ONE, **changes: Any) -> ReviewDue:
    values: dict[str, Any] = {
        "registration_id": registration_id,
        "partner_name": PARTNER["partner_name"],
        "customer_email": CUSTOMER,
        "claimed_by": None,
        "due_at": NOW,
    }
    return ReviewDue(**values | changes)
