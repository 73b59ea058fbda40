"""What the portal keeps about people."""

from services.portal.domain import CLOSED
from shared.personal import GONE, QUARANTINE, Personal, closed, list_of_words, or_nothing

_CLOSED = ", ".join(sorted(f"'{status}'" for status in CLOSED))
_WHO_ASKED = ("resend_requested_by", "withdrawal_asked_by")
_WHAT_WAS_SAID = ("withdrawal_reason", "undeliverable_detail")

PERSONAL: Personal = (
    closed(
        "registrations",
        {
            "common_name": f"'{GONE}'",
            "requested_by": f"'{GONE}'",
            "reasons": list_of_words("reasons"),
            **{column: or_nothing(column, f"'{GONE}'") for column in (*_WHO_ASKED, *_WHAT_WAS_SAID)},
            "search_text": "''",
        },
        f"status in ({_CLOSED}) and changed_at < :before",
        ("status", "changed_at"),
    ),
    QUARANTINE,
)
