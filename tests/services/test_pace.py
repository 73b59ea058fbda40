"""Loops rest the longer, the more there is to do and the longer it takes; what is rare is taken at once."""

import pytest

from shared.messaging.pace import APART, MOST_APART, SHARE, Pace


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def rest_after(count: int, *, took: float) -> float:
    """Seconds between the beginning of such a batch and the next one's."""
    clock = Seconds()
    pace = Pace(clock)
    pace.begin()
    clock.now += took
    pace.done(count)
    return took + pace.left


def test_what_comes_after_a_quiet_moment_is_taken_at_once() -> None:
    assert Pace(Seconds()).left == 0
    clock = Seconds()
    pace = Pace(clock)
    pace.begin()
    pace.done(1)
    clock.now += APART
    assert pace.left == 0


@pytest.mark.parametrize("took", [0.0, APART / 10, APART / 2], ids=["none", "a tenth", "half"])
def test_one_alone_is_followed_soon_however_long_it_took(took: float) -> None:
    assert rest_after(1, took=took) == pytest.approx(APART)


def test_one_that_took_longer_than_that_is_followed_at_once() -> None:
    assert rest_after(1, took=2 * APART) == pytest.approx(2 * APART)


def test_under_load_a_loop_works_one_part_of_its_time() -> None:
    assert rest_after(2, took=0.03) == pytest.approx(0.03 * SHARE)
    assert rest_after(900, took=0.03) == pytest.approx(0.03 * SHARE)
    assert rest_after(2, took=APART / SHARE / 2) == pytest.approx(APART)


def test_nobody_waits_longer_than_the_most() -> None:
    assert rest_after(2, took=MOST_APART / 2) == pytest.approx(MOST_APART)
    assert rest_after(2, took=2 * MOST_APART) == pytest.approx(2 * MOST_APART)
