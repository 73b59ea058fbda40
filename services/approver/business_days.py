"""When a review is due, so many business days after the customer confirmed, and how long that is from now, by Vietnam's
calendar.

Saturdays, Sundays and public holidays are no business days, nor are the days off that the government declares in place
of holidays on a weekend, or moves next to one. Saturdays that are worked in exchange stay days of rest here: a review
is then due a day later than it could be, never earlier.

What waits since a business day is due at the same local time of the last day. What waits since another day counts from
the beginning of the next business day, so it is never due before something that waits longer. Pure: the holidays are an
argument.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from shared.web.formats import VIETNAM

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_SATURDAY = 5

MOST_COUNTED = 30


def after_business_days(since: datetime, days: int, holidays: Container[date]) -> datetime:
    """In UTC. No days: `since` itself, whatever day it is."""
    if days == 0:
        return since
    day, clock = _first_business_day(since.astimezone(VIETNAM), holidays)
    for _ in range(days):
        day = _business_day_from(day + _DAY, holidays)
    return datetime.combine(day, clock, VIETNAM).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Whole business days. Not overdue: those after today until it is due; 0 is due today. Overdue: those since the day
    it was due, with today; 0 is less than one. What is due as a day begins is due at the end of the day before.
    MOST_COUNTED + 1: more than these."""

    overdue: bool
    days: int


def time_left(due_at: datetime, now: datetime, holidays: Container[date]) -> TimeLeft:
    due, today = (due_at - _INSTANT).astimezone(VIETNAM).date(), now.astimezone(VIETNAM).date()
    if due_at <= now:
        return TimeLeft(overdue=True, days=_business_days(due + _DAY, today, holidays))
    return TimeLeft(overdue=False, days=_business_days(today + _DAY, due, holidays))


def next_business_day(now: datetime, holidays: Container[date]) -> datetime:
    """When it begins, in UTC: what is due until then is due today, or overdue."""
    day = _business_day_from(now.astimezone(VIETNAM).date() + _DAY, holidays)
    return datetime.combine(day, time(), VIETNAM).astimezone(UTC)


def _business_days(first: date, last: date, holidays: Container[date]) -> int:
    """How many there are from `first` to `last`, both counted; counting stops at MOST_COUNTED + 1."""
    days = (first + n * _DAY for n in range((last - first).days + 1))
    counted = (1 for day in days if _is_business_day(day, holidays))
    return sum(islice(counted, MOST_COUNTED + 1))


def _is_business_day(day: date, holidays: Container[date]) -> bool:
    return day.weekday() < _SATURDAY and day not in holidays


def _first_business_day(local: datetime, holidays: Container[date]) -> tuple[date, time]:
    """The day from which days are counted, and the time of day."""
    day = _business_day_from(local.date(), holidays)
    return day, local.time() if day == local.date() else time()


def _business_day_from(day: date, holidays: Container[date]) -> date:
    while not _is_business_day(day, holidays):
        day += _DAY
    return day
