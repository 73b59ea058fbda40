"""What is printed of growth, of more instances and of capacity follows from what was measured."""

import asyncpg
from uuid_utils.compat import uuid7

from bench.capacity import check, needed
from bench.growth import PAID_BY, Point, ratio
from bench.measuring import Result
from bench.multiply import keep_template, multiply
from bench.scale import point
from shared.topics import SERVICES


def run(cost: float) -> Result:
    """Of which each of those who pay has a part, and Kafka, who is not asked, a hundred times as much."""
    return Result("growth", 1000, 2.0, cpu_ms={it: cost / len(PAID_BY) for it in PAID_BY} | {"kafka": 100 * cost})


def stored(count: int, *costs: float) -> Point:
    return Point(count, [run(it) for it in costs], [])


def test_the_cost_is_the_runs_median_and_the_ratio_is_to_that_with_a_hundred_thousand() -> None:
    points = [stored(0, 1.0), stored(100_000, 9.0, 2.0, 1.0), stored(1_000_000, 3.0, 3.0, 3.0)]
    assert ratio(points, 1_000_000) == 1.5
    assert ratio(points, 10_000_000) is None and ratio(points[2:], 1_000_000) is None


async def test_a_copy_has_earlier_keys_of_its_own_and_else_what_its_template_has(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            "create table portal.kept (registration_id uuid primary key, customer_email text, role text)"
        )
        ids = [uuid7() for _ in range(50)]
        await owner.executemany("insert into portal.kept values ($1, 'an@x.vn', 'Partner')", [(it,) for it in ids])
        await keep_template(database_url)
        await multiply(database_url, 1, 2)
        await multiply(database_url, 3, 3)
        rows = await owner.fetch("select registration_id, customer_email, role from portal.kept order by 1")
    finally:
        await owner.close()
    addresses = [f"an.{copy}@x.vn" for copy in (3, 2, 1) for _ in ids]
    assert [it["customer_email"] for it in rows] == [*addresses, *("an@x.vn" for _ in ids)]
    assert {it["registration_id"] for it in rows[-50:]} == set(ids) and {it["role"] for it in rows} == {"Partner"}


def test_a_services_instances_are_added_up_and_their_shares_are_of_its_work() -> None:
    costs = dict.fromkeys(SERVICES, 1.0) | {f"{it} 2": 3.0 for it in SERVICES} | {"postgres": 2.0, "kafka": 1.0}
    found = point(2, [Result("2 each", 100, 4.0, cpu_ms=costs, peak_mb={"portal": 90.0, "portal 2": 120.0})])
    assert found["per_s"] == 25 and found["cpu_ms"]["portal"] == 4.0
    assert (found["share_least"], found["share_most"], found["peak_mb"]) == (0.25, 0.75, 120.0)


def test_what_a_rate_needs_is_its_cost_on_cores_that_are_not_full() -> None:
    measured = {f"events_cpu_ms_{it}": 0.6 for it in (*SERVICES, "postgres", "kafka")}
    assert set(needed(measured, "events", 1000.0).values()) == {1}
    assert set(needed(measured, "events", 100_000.0).values()) == {100}


def test_the_model_is_set_beside_what_was_measured() -> None:
    latest = {"hardware_cores": 2, "events_cpu_ms_driver": 0.5}
    for way in ("events", "events_large", "throughput"):
        latest |= {f"{way}_cpu_ms": 4.0, f"{way}_per_s": 400.0}
    scale = {"points": [{"instances": 4, "cpu_ms": {"portal": 1.5}, "per_s": 1000.0}]}
    *_head, events, _many, _everything, four = check(latest, scale)
    assert events == "| events | 500/s | 400/s | 0.80 |"
    assert four == "| events, 4 of each | 1,000/s | 1,000/s | 1.00 |"
