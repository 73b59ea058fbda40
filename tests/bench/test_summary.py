"""What a run of all comparisons writes and says."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.__main__ import write
from bench.delays import Life, latency
from bench.measuring import Result
from bench.peers import Measured, Skipped
from bench.plots import plots
from bench.promised import PROMISES, faster_than_the_floor
from bench.summary import Found, flat
from bench.tables import table

PROMISED = {
    "events_per_s", "throughput_per_s", "floor_per_s", "throughput_floor_per_s", "ratio_to_floor",
    "throughput_ratio_to_floor", "ratio_to_naive", "ratio_to_dbos", "ratio_to_temporal", "ratio_to_restate",
    "p50_ms_at_100", "p99_ms_at_100", "growth_ratio_10m", "peak_mb_registrar", "peak_mb_notifier", "peak_mb_approver",
    "peak_mb_portal", "mail_p99_ms_at_100", "case_p99_ms_at_100", "approval_p99_ms_at_100", "events_cpu_ms",
    "events_cpu_ms_registrar", "throughput_cpu_ms_postgres", "floor_cpu_ms_kafka",
}  # fmt: skip


def result(name: str, seconds: float, cpu_ms: float = 1.0) -> Result:
    return Result(name, 100, seconds, {"portal": cpu_ms, "kafka": 0.5}, {"portal": 100 + seconds})


def run() -> Found:
    found = Found(about={"date": "2026-07-01T09:00:00Z", "commit": "c"}, growth={"growth_ratio_10m": 1.1})
    for seconds in (2.0, 1.0, 4.0):
        found.events["ours"].append(result("ours", seconds))
        found.events["floor"].append(result("floor", seconds / 2, 0.4))
        found.events["naive"].append(result("naive", 20 * seconds, 50.0))
        found.throughput["ours"].append(result("ours", 5 * seconds))
        found.throughput["floor"].append(result("floor", 4 * seconds, 0.4))
    even = [Life(due, due + 0.02, due, due + 0.03, due, due + 0.01) for due in (n / 100 for n in range(100))]
    never = [Life(n / 500) for n in range(100)]
    found.latencies += [latency(100.0, even), latency(500.0, never)]
    found.peers += [Measured("dbos", 5.0, {"a": 9.0}, "1"), Measured("dbos-tuned", 10.0, {"a": 8.0}, "1")]
    found.peers += [Skipped("restate", "npm is not here")]
    return found


def test_all_keys_are_always_there_and_null_where_nothing_was_run() -> None:
    nothing, something = flat(Found()), flat(run())
    assert nothing.keys() | {"date", "commit"} == something.keys() >= PROMISED
    assert {key for key, value in nothing.items() if value is not None} == {
        key for key in nothing if key.endswith("_rounds")
    }
    assert {it.key for it in PROMISES} <= nothing.keys()


def test_rates_are_medians_with_their_spread_and_ratios_are_of_medians() -> None:
    it = flat(run())
    assert (it["events_per_s"], it["events_per_s_min"], it["events_per_s_max"]) == (50.0, 25.0, 100.0)
    assert (it["ratio_to_floor"], it["ratio_to_naive"], it["throughput_ratio_to_floor"]) == (0.5, 20.0, 0.8)
    assert it["events_cpu_ms"] == 1.5 and it["events_two_cores_allow_per_s"] == pytest.approx(1333.3, abs=0.1)
    assert it["peak_mb_portal"] == 120.0


def test_an_engine_is_compared_by_its_better_mode_and_a_skipped_one_says_why() -> None:
    it = flat(run())
    assert it["ratio_to_dbos"] == 5.0 and it["ratio_to_restate"] is None
    assert it["peer_restate_skipped"] == "npm is not here"
    assert any("SKIPPED: npm is not here" in line for line in table(it))


def test_the_worst_leg_speaks_for_a_rate_and_a_wait_without_end_is_null() -> None:
    it = flat(run())
    assert it["p50_ms_at_100"] == it["case_p50_ms_at_100"] == pytest.approx(30)
    assert it["latency_kept_up_at_100"] is True
    assert it["p99_ms_at_500"] is None and it["latency_kept_up_at_500"] is False
    assert any("500/s: NOT CARRIED: only 0/s" in line for line in table(it))


def test_what_beats_the_floor_shows_that_the_floor_is_wrong() -> None:
    found = run()
    assert list(faster_than_the_floor(flat(found))) == list(faster_than_the_floor(flat(Found()))) == []
    found.events["floor"] = [result("floor", 3.0, 1.2)]
    said = list(faster_than_the_floor(flat(found)))
    assert said == [
        "events: ours is faster than the floor",
        "events: all takes less CPU than the floor's",
        "events: portal takes less CPU than the floor's",
    ]
    assert [line for line in table(flat(found)) if line.startswith("THE FLOOR IS WRONG")]


def test_promises_are_judged_on_the_summary() -> None:
    by_key = {it.key: it.verdict(flat(run())) for it in PROMISES}
    assert by_key["growth_ratio_10m"] == by_key["ratio_to_naive"] == "holds"
    assert by_key["events_per_s"] == by_key["ratio_to_floor"] == "BROKEN"
    assert (by_key["ratio_to_dbos"], by_key["ratio_to_restate"]) == ("missed", "not known")


def test_a_run_leaves_json_and_plots(tmp_path: Path) -> None:
    for found in (run(), Found()):
        write(tmp_path / "results", flat(found))
        assert json.loads((tmp_path / "results" / "latest.json").read_text(encoding="utf-8")) == flat(found)
        for name in plots(flat(found)):
            assert ElementTree.parse(tmp_path / "results" / name).getroot().tag.endswith("svg")
