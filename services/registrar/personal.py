"""What registrar keeps about people. An account's id leads to its address for as long as the account is known."""

from services.registrar.domain import HOLDING, Status
from shared.personal import GONE, QUARANTINE, Personal, closed

_CLOSED = ", ".join(f"'{status}'" for status in Status if status not in HOLDING)

PERSONAL: Personal = (
    closed(
        "registrations",
        {"common_name": f"'{GONE}'", "requested_by": f"'{GONE}'", "account_id": "null"},
        f"status in ({_CLOSED}) and changed_at < :before",
        ("status", "changed_at"),
    ),
    QUARANTINE,
)
