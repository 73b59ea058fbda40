"""A duration in words."""

from datetime import timedelta

from shared.events import Locale

_UNITS = (
    (timedelta(days=1), "ngày", "day"),
    (timedelta(hours=1), "giờ", "hour"),
    (timedelta(minutes=1), "phút", "minute"),
    (timedelta(seconds=1), "giây", "second"),
)


def duration(of: timedelta, locale: Locale) -> str:
    """15 ngày, or 15 days; 36 hours: in the largest unit that needs no fraction."""
    unit, vietnamese, english = next((it for it in _UNITS if not of % it[0]), _UNITS[-1])
    count = of // unit
    if locale is Locale.VI:
        return f"{count} {vietnamese}"
    return f"{count} {english}" if count == 1 else f"{count} {english}s"
