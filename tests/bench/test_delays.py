"""The arithmetic of the open loop."""

import math

import pytest

from bench.delays import Life, due_at, figures, latency, percentile


def life(due: float, *, mail: float = math.inf, case: float = math.inf, approval: float = math.inf) -> Life:
    """With these delays; who acts, acts a second after the moment before."""
    it = Life(due, mailed=due + mail)
    if mail < math.inf:
        it.confirming = it.mailed + 1
        it.opened = it.confirming + case
    if it.opened < math.inf:
        it.approving = it.opened + 1
        it.approved = it.approving + approval
    return it


def test_requests_are_due_at_even_steps_from_the_beginning() -> None:
    assert [due_at(10.0, 4, number) for number in range(5)] == [10.0, 10.25, 10.5, 10.75, 11.0]


def test_a_percentile_is_a_delay_that_was_seen_and_that_its_share_does_not_exceed() -> None:
    delays = [float(it) for it in range(100, 0, -1)]
    assert [percentile(delays, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 0.01) == percentile([7.0], 0.99) == 7.0


def test_a_wait_counts_from_when_it_was_due_and_in_milliseconds() -> None:
    it = latency(1, [life(0, mail=0.01, case=0.02, approval=0.03), life(1, mail=0.03, case=0.04, approval=0.05)])
    assert {name: (round(leg.p50), round(leg.max)) for name, leg in it.legs.items()} == {
        "mail": (10, 30),
        "case": (20, 40),
        "approval": (30, 50),
    }


def test_what_never_came_is_infinitely_late_and_what_was_never_begun_is_not_counted() -> None:
    some = [life(n, mail=0.01, case=0.01, approval=0.01) for n in range(98)]
    it = latency(1, [*some, life(98, mail=0.01), life(99)])
    assert (it.count, it.ended) == (100, 98)
    assert it.legs["mail"].p99 == pytest.approx(10) and it.legs["mail"].max == math.inf
    assert it.legs["case"].p50 == pytest.approx(10) and it.legs["case"].p99 == math.inf
    assert it.legs["approval"].max == pytest.approx(10)
    assert figures([]).p50 == math.inf


def test_a_rate_is_kept_up_with_if_all_ended_and_none_had_to_queue_at_the_end() -> None:
    quick = [life(n / 10, mail=0.01, case=0.01, approval=0.01) for n in range(20)]
    assert not latency(10, [*quick, life(2.0)]).kept_up
    slow = latency(10, [*quick, life(2.0, mail=0.01, case=0.01, approval=0.5)])
    assert not slow.kept_up and slow.ended == 21
    at_once = [Life(due, due, due, due, due, due + 0.05) for due in (n / 10 for n in range(20))]
    assert latency(10, at_once).kept_up and latency(10, at_once).carried == pytest.approx(20 / 1.95)


def test_what_pages_answered_instead_is_counted() -> None:
    refused = Life(0.0, mailed=0.01, refused="WrongAnswer: 503")
    assert latency(1, [refused, refused]).refused == {"WrongAnswer: 503": 2}
