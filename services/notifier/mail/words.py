"""Words of mails that their templates do not have: durations, and what stands on and under a button."""

from datetime import timedelta

from shared.events import Locale

_UNITS = (
    (timedelta(days=1), "ngày", "day"),
    (timedelta(hours=1), "giờ", "hour"),
    (timedelta(minutes=1), "phút", "minute"),
    (timedelta(seconds=1), "giây", "second"),
)

BUTTONS = {
    "link": {Locale.VI: "Xác nhận hoặc từ chối", Locale.EN: "Confirm or decline"},
    "portal": {Locale.VI: "Xem đăng ký", Locale.EN: "See the registration"},
    "case": {Locale.VI: "Mở hồ sơ", Locale.EN: "Open the case"},
}
"""By the name of the address that a button opens."""

ADDRESS = {
    Locale.VI: "Nếu không bấm được nút trên, hãy mở địa chỉ này:",
    Locale.EN: "If the button does not work, open this address:",
}


def duration(of: timedelta, locale: Locale) -> str:
    """15 ngày, or 15 days; 36 hours: in the largest unit that needs no fraction."""
    unit, vietnamese, english = next((it for it in _UNITS if not of % it[0]), _UNITS[-1])
    count = of // unit
    if locale is Locale.VI:
        return f"{count} {vietnamese}"
    return f"{count} {english}" if count == 1 else f"{count} {english}s"
