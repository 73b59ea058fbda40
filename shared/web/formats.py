"""How times and sums of money read, in each language. Vietnam has one zone without summer time: a fixed
offset is right and needs no zone database."""

from datetime import datetime, timedelta, timezone

from shared.events import Locale

VIETNAM = timezone(timedelta(hours=7), "GMT+7")


def moment(at: datetime, locale: Locale) -> str:
    """01/07/2026 16:00 (GMT+7), or 1 Jul 2026, 16:00 (GMT+7): a word where 01/07 has two readings."""
    local = at.astimezone(VIETNAM)
    if locale is Locale.VI:
        return f"{local:%d/%m/%Y %H:%M} (GMT+7)"
    return f"{local.day} {local:%b %Y, %H:%M} (GMT+7)"


def vnd(amount: int, locale: Locale) -> str:
    """1.234.567 ₫, or 1,234,567 VND."""
    grouped = f"{amount:,}"
    return f"{grouped.replace(',', '.')} ₫" if locale is Locale.VI else f"{grouped} VND"
