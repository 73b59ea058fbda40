"""What many registrations a second would need, by what one cost when it was measured. Pure, but for `main`.

    .venv/bin/python -m bench.capacity            (make docs writes it into docs/reference/capacity.md)

Costs are of `bench/results`: `latest.json` for the events and for everything (mails and pages too), `scale.json` for
what a further instance costs. A service's instances share partitions, so there are no more of them than partitions.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.machine import ROOT
from shared.topics import SERVICES, TOPICS

RESULTS = ROOT / "bench" / "results"
BUSY = 0.6  # of a core, that is planned to be used: the rest is for peaks, rebalances and an instance that is away
RATES = (10, 100, 1_000, 10_000, 100_000)
EVENTS_EACH = 6  # requested, opened, sent, confirmed, approved by VNG, approved
READ_EACH = sum(
    len(it.readers)
    for it in TOPICS
    if it.event.__name__
    in {"RegistrationRequested", "RegistrationOpened", "ConfirmationSent", "CustomerConfirmed", "VngApproved",
        "RegistrationApproved"}
)  # fmt: skip
EVENT_BYTES = 1_000  # a record with its headers, rounded up
COPIES = 3  # of each record: the replication factor


def needed(latest: Mapping[str, Any], way: str, rate: float) -> dict[str, int]:
    """Cores by process, for `rate` registrations a second. `way`: "events" or "throughput"."""
    return {
        name: math.ceil(rate * latest[f"{way}_cpu_ms_{name}"] / 1000 / BUSY)
        for name in (*SERVICES, "postgres", "kafka")
    }


def check(latest: Mapping[str, Any], scale: Mapping[str, Any] | None) -> Iterator[str]:
    """The model's rate on two cores beside the measured one."""
    yield "| measured | model: cores / cost | measured rate | measured / model |"
    yield "| --- | --- | --- | --- |"
    for way, name in (("events", "events"), ("events_large", "events, many"), ("throughput", "everything")):
        yield _checked(name, latest[f"{way}_cpu_ms"], latest[f"{way}_per_s"], latest["hardware_cores"])
    for point in scale["points"] if scale else ():
        cost = sum(point["cpu_ms"].values()) + latest["events_cpu_ms_driver"]
        yield _checked(f"events, {point['instances']} of each", cost, point["per_s"], latest["hardware_cores"])


def _checked(name: str, cost: float, rate: float, cores: int) -> str:
    model = 1000 * cores / cost
    return f"| {name} | {model:,.0f}/s | {rate:,.0f}/s | {rate / model:.2f} |"


def tables(latest: Mapping[str, Any], scale: Mapping[str, Any] | None) -> Iterator[str]:
    yield "# Capacity\n\nMade by `make docs` from what `make bench` and `make bench-scale` stored."
    yield "What it means, and what breaks first: [how it grows](../explanation/capacity.md).\n"
    yield f"Measured on {latest['date'][:10]} on {latest['hardware_cores']} cores ({latest['hardware_cpu']})."
    for way, title in (("events", "Events and states only"), ("throughput", "Everything: mails and pages too")):
        yield f"\n{title}. Cores at {100 * BUSY:.0f} % each:\n"
        yield f"| registrations/s | {' | '.join(SERVICES)} | PostgreSQL | Kafka |"
        yield "| --- |" + " --- |" * (len(SERVICES) + 2)
        for rate in RATES:
            yield f"| {rate:,} | {' | '.join(f'{it:,}' for it in needed(latest, way, rate).values())} |"
    yield "\nKafka's records, by the number of events that a registration causes:\n"
    yield "| registrations/s | written/s | read/s | MB/s on brokers' disks |"
    yield "| --- | --- | --- | --- |"
    for rate in RATES:
        written = EVENTS_EACH * rate
        yield f"| {rate:,} | {written:,} | {READ_EACH * rate:,} | {written * EVENT_BYTES * COPIES / 1e6:,.1f} |"
    yield "\nThe model beside what was measured:\n"
    yield from check(latest, scale)


def stored(name: str) -> dict[str, Any] | None:
    path = Path(RESULTS / name)
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def main() -> None:
    latest = stored("latest.json")
    assert latest, "run make bench first"
    print("\n".join(tables(latest, stored("scale.json"))))


if __name__ == "__main__":
    main()
