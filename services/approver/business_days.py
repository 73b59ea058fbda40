"""When a review is due: so many business days after the customer confirmed, by Vietnam's calendar.

Saturdays, Sundays and public holidays are no business days, nor are the days off that the government declares in place
of holidays on a weekend, or moves next to one. Saturdays that are worked in exchange stay days of rest here: a review
is then due a day later than it could be, never earlier.

What waits since a business day is due at the same local time of the last day. What waits since another day counts from
the beginning of the next business day, so it is never due before something that waits longer. Pure: the holidays are an
argument.
"""

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta

from shared.web.formats import VIETNAM

_DAY = timedelta(days=1)
_SATURDAY = 5


def after_business_days(since: datetime, days: int, holidays: Container[date]) -> datetime:
    """In UTC. No days: `since` itself, whatever day it is."""
    if days == 0:
        return since
    day, clock = _first_business_day(since.astimezone(VIETNAM), holidays)
    for _ in range(days):
        day = _business_day_from(day + _DAY, holidays)
    return datetime.combine(day, clock, VIETNAM).astimezone(UTC)


def _first_business_day(local: datetime, holidays: Container[date]) -> tuple[date, time]:
    """The day from which days are counted, and the time of day."""
    day = _business_day_from(local.date(), holidays)
    return day, local.time() if day == local.date() else time()


def _business_day_from(day: date, holidays: Container[date]) -> date:
    while day.weekday() >= _SATURDAY or day in holidays:
        day += _DAY
    return day
