"""What approver keeps about people: customers, and the staff who claimed and decided."""

from shared.personal import GONE, QUARANTINE, Kind, Personal, Table, closed, or_nothing, person, words

_ELSEWHERE = Kind(
    "reports of other services' quarantines",
    Table(
        "quarantined_elsewhere",
        {"reason": "split_part(reason, ':', 1)"},
        ("id", "quarantined_at"),
        "quarantined_at < :before and reason like '%:%'",
    ),
    "id",
    "bigint",
)

PERSONAL: Personal = (
    closed(
        "cases",
        {
            "common_name": f"'{GONE}'",
            "facts": "null",
            "claimed_by": or_nothing("claimed_by", f"'{GONE}'"),
            "decided_by": person("decided_by"),
            "reason": or_nothing("reason", words("reason")),
            "search_text": "''",
        },
        "outcome <> 'approved' and final_at < :before",
        ("outcome", "final_at"),
    ),
    QUARANTINE,
    _ELSEWHERE,
)
