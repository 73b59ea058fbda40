"""What an upstream portal and VNG's accounts say, as tests say it."""

from datetime import UTC, datetime
from uuid import uuid4

from shared.events import AccountUpdated, Billing, Locale, RegistrationRequested

NOW = datetime.now(UTC)


def account(email: str, **facts: object) -> AccountUpdated:
    values: dict[str, object] = {
        "email": email,
        "account_id": f"vng-{email}",
        "holder_name": "Nguyễn Văn An",
        "locale": Locale.VI,
        "billing": Billing.PREPAID,
        "credit_balance": 0,
        "active_services": 0,
        "active_discounts": 0,
        "in_poc": False,
        "vng_customer": False,
        "version": 1,
        "updated_at": NOW,
        **facts,
    }
    return AccountUpdated.model_validate(values)


def request(email: str, partner: str = "saigon-cloud") -> RegistrationRequested:
    return RegistrationRequested(
        registration_id=uuid4(),
        partner_id=partner,
        partner_name="Saigon Cloud",
        customer_email=email,
        common_name="Minh Phát",
        requested_by="lan@saigon-cloud.example",
        requested_at=NOW,
    )
