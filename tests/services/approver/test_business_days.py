"""When a review is due, by the calendar that approver uses and by any other."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from holidays import country_holidays
from hypothesis import given, settings
from hypothesis import strategies as st

from services.approver.business_days import after_business_days
from shared.web.formats import VIETNAM

VIETNAMS = country_holidays("VN")


def at(text: str) -> datetime:
    """Vietnam's time."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("opened", "days", "due"),
    [
        # An ordinary week, and a weekend between.
        ("2026-07-06 09:30", 3, "2026-07-09 09:30"),
        ("2026-07-09 16:00", 3, "2026-07-14 16:00"),
        # Opened on a weekend: as if at the beginning of Monday.
        ("2026-07-11 16:00", 3, "2026-07-16 00:00"),
        ("2026-07-12 23:59", 1, "2026-07-14 00:00"),
        # Tết 2026 is from Monday 16 to Friday 20 February, Tết 2027 from Thursday 4 to Wednesday 10 February.
        ("2026-02-13 10:00", 3, "2026-02-25 10:00"),
        ("2026-02-17 10:00", 1, "2026-02-24 00:00"),
        ("2027-02-03 10:00", 3, "2027-02-15 10:00"),
        # National Day 2026: 1 and 2 September, with Monday 31 August moved next to it.
        ("2026-08-28 15:00", 3, "2026-09-07 15:00"),
        # Hung Kings' day 2026 is a Sunday: Monday 27 April is off in its place; 30 April and 1 May follow.
        ("2026-04-24 08:00", 3, "2026-05-04 08:00"),
        # It is already Saturday in Vietnam, still Friday in UTC.
        ("2026-07-11 00:30", 1, "2026-07-14 00:00"),
        # No days: at once, on a holiday too.
        ("2026-09-02 12:34", 0, "2026-09-02 12:34"),
    ],
)
def test_a_review_is_due_after_vietnams_business_days(opened: str, days: int, due: str) -> None:
    assert after_business_days(at(opened).astimezone(UTC), days, VIETNAMS) == at(due)


def test_a_due_moment_is_told_in_utc() -> None:
    assert after_business_days(at("2026-07-06 03:00"), 1, VIETNAMS).tzinfo is UTC


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
DAYS = st.integers(1, 30)


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in VIETNAMS


@settings(deadline=None)
@given(opened_at=MOMENTS, days=DAYS)
def test_a_review_has_that_many_whole_business_days(opened_at: datetime, days: int) -> None:
    due = after_business_days(opened_at, days, VIETNAMS).astimezone(VIETNAM)
    opened = opened_at.astimezone(VIETNAM)
    assert is_business_day(due.date())
    between = [opened.date() + timedelta(days=n) for n in range((due.date() - opened.date()).days)]
    assert sum(map(is_business_day, between)) == days
    assert due.time() == (opened.time() if is_business_day(opened.date()) else time())


@settings(deadline=None)
@given(first=MOMENTS, second=MOMENTS, days=DAYS)
def test_what_was_opened_earlier_is_never_due_later(first: datetime, second: datetime, days: int) -> None:
    first, second = sorted((first, second))
    assert after_business_days(first, days, VIETNAMS) <= after_business_days(second, days, VIETNAMS)
