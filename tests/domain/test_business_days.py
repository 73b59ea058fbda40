"""When a review is due, by the calendar that approver uses and by any other."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from holidays import country_holidays
from hypothesis import given, settings
from hypothesis import strategies as st

from services.approver.business_days import MOST_COUNTED, TimeLeft, after_business_days, next_business_day, time_left
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


@pytest.mark.parametrize(
    ("due", "now", "left"),
    [
        # An ordinary week: Monday 6 to Sunday 12 July.
        ("2026-07-09 09:30", "2026-07-06 23:59", TimeLeft(overdue=False, days=3)),
        ("2026-07-09 09:30", "2026-07-08 00:00", TimeLeft(overdue=False, days=1)),
        ("2026-07-09 09:30", "2026-07-09 09:29", TimeLeft(overdue=False, days=0)),
        ("2026-07-09 09:30", "2026-07-09 09:30", TimeLeft(overdue=True, days=0)),
        ("2026-07-09 09:30", "2026-07-10 00:00", TimeLeft(overdue=True, days=1)),
        # A weekend is no time, neither before nor after.
        ("2026-07-13 09:30", "2026-07-10 12:00", TimeLeft(overdue=False, days=1)),
        ("2026-07-13 09:30", "2026-07-12 12:00", TimeLeft(overdue=False, days=1)),
        ("2026-07-10 09:30", "2026-07-12 23:59", TimeLeft(overdue=True, days=0)),
        ("2026-07-10 09:30", "2026-07-13 00:00", TimeLeft(overdue=True, days=1)),
        # Tết 2026 is from Monday 16 to Friday 20 February.
        ("2026-02-23 10:00", "2026-02-13 18:00", TimeLeft(overdue=False, days=1)),
        ("2026-02-13 10:00", "2026-02-22 12:00", TimeLeft(overdue=True, days=0)),
        ("2026-02-13 10:00", "2026-02-24 12:00", TimeLeft(overdue=True, days=2)),
        # Due on a day that was declared a holiday later: the last day of work is the last to decide it.
        ("2026-09-02 10:00", "2026-08-28 12:00", TimeLeft(overdue=False, days=0)),
        # Due as Thursday begins: at the end of Wednesday.
        ("2026-07-09 00:00", "2026-07-08 23:59", TimeLeft(overdue=False, days=0)),
        ("2026-07-09 00:00", "2026-07-09 00:00", TimeLeft(overdue=True, days=1)),
        # Beyond thirty nobody counts, however long a case has been waiting.
        ("2026-07-01 09:30", "2026-08-12 12:00", TimeLeft(overdue=True, days=30)),
        ("2026-07-01 09:30", "2026-08-13 12:00", TimeLeft(overdue=True, days=31)),
        ("2026-07-01 09:30", "9999-12-30 12:00", TimeLeft(overdue=True, days=31)),
        ("9999-12-30 12:00", "2026-07-01 09:30", TimeLeft(overdue=False, days=31)),
        # It is Thursday in Vietnam, still Wednesday in UTC.
        ("2026-07-09 09:30", "2026-07-09 00:30", TimeLeft(overdue=False, days=0)),
    ],
)
def test_the_time_left_is_told_in_vietnams_business_days(due: str, now: str, left: TimeLeft) -> None:
    assert time_left(at(due).astimezone(UTC), at(now).astimezone(UTC), VIETNAMS) == left


@settings(deadline=None)
@given(opened_at=MOMENTS, days=DAYS)
def test_a_review_begins_with_all_its_business_days_left(opened_at: datetime, days: int) -> None:
    due = after_business_days(opened_at, days, VIETNAMS)
    assert time_left(due, opened_at, VIETNAMS) == TimeLeft(overdue=False, days=days)


@settings(deadline=None)
@given(opened_at=MOMENTS, days=DAYS, waited=st.timedeltas(timedelta(), timedelta(days=60)))
def test_a_business_day_that_begins_takes_one_of_those_left_and_adds_one_to_those_overdue(
    opened_at: datetime, days: int, waited: timedelta
) -> None:
    due, now = after_business_days(opened_at, days, VIETNAMS), opened_at + waited
    tomorrow = now.astimezone(VIETNAM).date() + timedelta(days=1)
    midnight, begins = datetime.combine(tomorrow, time(), VIETNAM), int(is_business_day(tomorrow))
    today, next_day = time_left(due, now, VIETNAMS), time_left(due, midnight, VIETNAMS)
    if due > midnight:
        assert next_day == TimeLeft(overdue=False, days=today.days - begins)
    else:
        assert next_day == TimeLeft(overdue=True, days=min(today.days + begins, MOST_COUNTED + 1))


@settings(deadline=None)
@given(opened_at=MOMENTS, days=DAYS, waited=st.timedeltas(timedelta(), timedelta(days=60)))
def test_what_is_due_until_the_next_business_day_begins_is_due_today_or_overdue(
    opened_at: datetime, days: int, waited: timedelta
) -> None:
    due, now = after_business_days(opened_at, days, VIETNAMS), opened_at + waited
    left = time_left(due, now, VIETNAMS)
    assert (left.overdue or left.days == 0) == (due <= next_business_day(now, VIETNAMS))


@pytest.mark.usefixtures("elsewhere")
def test_the_next_business_day_is_told_in_utc_wherever_the_service_runs() -> None:
    assert next_business_day(at("2026-07-06 09:30"), VIETNAMS).utcoffset() == timedelta()
