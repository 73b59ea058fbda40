"""CloudEvents 1.0 in Kafka's binary mode: the event is the value, what describes it are headers."""

from collections.abc import Sequence
from datetime import datetime

Headers = list[tuple[str, bytes]]
"""A list, as aiokafka takes them."""


def headers(*, id: str, source: str, type: str, subject: str, time: datetime) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", f"/{source}".encode()),
        ("ce_type", type.encode()),
        ("ce_time", time.isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", subject.encode()),
        ("content-type", b"application/json"),
    ]


def type_of(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    """The `ce_type` of a record, None where there is none. Never raises: headers come from anybody."""
    for name, value in headers:
        if name == "ce_type" and value is not None:
            return value.decode("utf-8", "replace")
    return None
