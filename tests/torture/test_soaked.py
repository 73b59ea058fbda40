"""What a soak says of itself: growth is told, and only growth."""

from dataclasses import replace

import pytest

from shared.topics import SERVICES
from tests.torture.report import Report
from tests.torture.soaked import Look, grown, page, plots

LOOK = Look(0.0, dict.fromkeys(SERVICES, 100.0), dict.fromkeys(SERVICES, 20), 0.1, 1.0, 50.0, 1000.0)
FLAT = [replace(LOOK, at=10.0 * n) for n in range(30)]


def ending_with(**what: object) -> list[Look]:
    return [*FLAT[:-1], replace(FLAT[-1], **what)]  # type: ignore[arg-type]


def test_where_nothing_grows_nothing_is_told() -> None:
    assert grown(FLAT) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"memory": {**LOOK.memory, "portal": 120.0}}, "portal holds 120 MB, 100 before"),
        ({"files": {**LOOK.files, "notifier": 40}}, "notifier has 40 files open, 20 before"),
        ({"dead": 0.5}, "50 % of all rows are dead; expected 30 % at most"),
        ({"outbox_mb": 9.0}, "the outboxes take 9.0 MB, 1.0 before"),
    ],
    ids=["memory", "files", "dead rows", "outboxes"],
)
def test_what_is_larger_at_the_end_than_at_the_beginning_is_told(what: dict[str, object], said: str) -> None:
    assert grown(ending_with(**what)) == [said]


def test_a_service_that_is_away_at_a_look_counts_as_holding_nothing() -> None:
    assert grown(ending_with(memory={}, files={})) == []


def test_the_page_and_the_plots_show_every_service_and_what_grew() -> None:
    looks = ending_with(dead=0.5)
    about = {"date": "2026-07-01T00:00:00Z", "hardware_cores": 2, "commit": "abcdef0123456"}
    text = page(about, 45, 10, 14, Report(1, registrations=27000), looks)
    assert "27,000 registrations; 0 findings of the checker" in text and "50 % of all rows are dead" in text
    assert all(f"| {name} | 100 | 100 | 100 | 20 | 20 | 20 |" in text for name in SERVICES)
    drawn = plots(looks)
    assert all(f"]({name})" in text for name in drawn)
    assert all(plot.count("stroke-width") == count for plot, count in zip(drawn.values(), (4, 4, 2), strict=True))
