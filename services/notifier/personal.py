"""What notifier keeps about people. While a mail about a registration is still owed, its addresses are needed."""

from shared.personal import GONE, QUARANTINE, Personal, Table, closed, list_of_words, or_nothing

_OWES_NOTHING = (
    "not exists (select from notifier.emails owed "
    "where owed.registration_id = confirmations.registration_id and owed.state = 'queued')"
)

PERSONAL: Personal = (
    closed(
        "confirmations",
        {"common_name": f"'{GONE}'", "requested_by": f"'{GONE}'", "reasons": list_of_words("reasons")},
        f"outcome <> 'approved' and ended_at < :before and {_OWES_NOTHING}",
        ("outcome", "ended_at"),
        Table("resends", {"requested_by": f"'{GONE}'"}, ("registration_id",)),
        Table(
            "reviews",
            {"customer_email": f"'{GONE}'", "claimed_by": or_nothing("claimed_by", f"'{GONE}'")},
            ("registration_id",),
        ),
        Table("emails", {"detail": f"'{GONE}'"}, ("registration_id", "state"), "detail is not null"),
    ),
    QUARANTINE,
)
