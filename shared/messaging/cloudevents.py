"""CloudEvents 1.0 in Kafka's binary mode: the event is the value, what describes it are headers."""

from collections.abc import Sequence
from datetime import datetime


def headers(*, id: str, source: str, type: str, subject: str, time: datetime) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": id,
        "ce_source": f"/{source}",
        "ce_type": type,
        "ce_time": time.isoformat().replace("+00:00", "Z"),
        "ce_subject": subject,
        "content-type": "application/json",
    }


def type_of(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    """The `ce_type` of a record, None where there is none. Never raises: headers come from anybody."""
    for name, value in headers:
        if name == "ce_type" and value is not None:
            return value.decode("utf-8", "replace")
    return None
