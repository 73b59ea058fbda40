"""The events of one registration, as the other services tell them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from services.portal.facts import Fact
from shared import events as e

START = datetime(2026, 7, 1, 9, tzinfo=UTC)
ID = UUID("018f0000-0000-7000-8000-000000000001")


def minutes(count: int) -> datetime:
    """So long after the request."""
    return START + timedelta(minutes=count)


def _of(registration_id: UUID, partner_id: str, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "registration_id": registration_id,
        "partner_id": partner_id,
        "partner_name": "Đối tác A",
        "customer_email": "khach@example.com",
        "common_name": "Khách Một",
        "role": "Partner",
        "locale": e.Locale.VI,
        "requested_by": "an@partner.example",
        "requester_locale": e.Locale.EN,
        **more,
    }


def requested(registration_id: UUID = ID, partner_id: str = "p-1", **more: Any) -> e.RegistrationRequested:
    more = {"requested_at": START, **more}
    return e.RegistrationRequested(**_of(registration_id, partner_id, more))


def opened(registration_id: UUID = ID, partner_id: str = "p-1", **more: Any) -> e.RegistrationOpened:
    return e.RegistrationOpened(**_of(registration_id, partner_id, {"opened_at": minutes(1), **more}))


def sent(number: int = 1, registration_id: UUID = ID, partner_id: str = "p-1", **more: Any) -> e.ConfirmationSent:
    values: dict[str, Any] = {
        "registration_id": registration_id,
        "partner_id": partner_id,
        "number": number,
        "sent_at": minutes(10 * number),
        "valid_until": minutes(1000 * number),
        "resends_left": 4 - number,
        "next_resend_at": None,
    }
    return e.ConfirmationSent(**values | more)


def resend_refused(
    after: int = 14, code: Literal["too_soon", "limit", "not_pending"] = "too_soon", partner_id: str = "p-1"
) -> e.ConfirmationResendRefused:
    """`after` how many minutes it had been requested."""
    return e.ConfirmationResendRefused(
        registration_id=ID, partner_id=partner_id, requested_at=minutes(after), code=code
    )


def undeliverable(after: int = 12, partner_id: str = "p-1") -> e.ConfirmationUndeliverable:
    return e.ConfirmationUndeliverable(
        registration_id=ID, partner_id=partner_id, detail=f"550 no mailbox {after}", failed_at=minutes(after)
    )


def confirmed(registration_id: UUID = ID, partner_id: str = "p-1") -> e.CustomerConfirmed:
    return e.CustomerConfirmed(**_of(registration_id, partner_id, {"confirmed_at": minutes(40)}))


def approved(
    registration_id: UUID = ID, partner_id: str = "p-1", by: str = "staff@vng.example"
) -> e.RegistrationApproved:
    more = {"approved_at": minutes(50), "approved_by": by, "account_id": "acc-1"}
    return e.RegistrationApproved(**_of(registration_id, partner_id, more))


def closed(
    outcome: e.Outcome = e.Outcome.REFUSED,
    *reasons: str,
    registration_id: UUID = ID,
    partner_id: str = "p-1",
) -> e.RegistrationClosed:
    more = {"closed_at": minutes(60), "outcome": outcome, "reasons": reasons}
    return e.RegistrationClosed(**_of(registration_id, partner_id, more))


STORY: tuple[Fact, ...] = (
    opened(),
    sent(1),
    undeliverable(12),
    resend_refused(14, "too_soon"),
    sent(2),
    resend_refused(22, "limit"),
    undeliverable(25),
    confirmed(),
)
"""All that can be true of one registration before its end."""
