"""What the summary is held against: what must hold, what is hoped for, and whether the floor is one. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.summary import Value
from shared.topics import SERVICES


@dataclass(frozen=True, slots=True)
class Promise:
    """That the value of `key` is at least, or else at most, `limit`."""

    sentence: str
    key: str
    limit: float
    at_least: bool = True
    hoped: bool = False

    def verdict(self, summary: Mapping[str, Value]) -> str:
        value = summary.get(self.key)
        if not isinstance(value, (int, float)):
            return "not known"
        if value >= self.limit if self.at_least else value <= self.limit:
            return "holds"
        return "missed" if self.hoped else "BROKEN"


PROMISES = (
    Promise("events: at least 2,000 registrations a second", "events_per_s", 2000),
    Promise("events: at least 0.6 of the floor", "ratio_to_floor", 0.6),
    Promise("throughput: at least 0.6 of the floor", "throughput_ratio_to_floor", 0.6),
    Promise("events: at least 8 times the naive way", "ratio_to_naive", 8),
    Promise("p50 of the worst wait at 100/s: at most 50 ms", "p50_ms_at_100", 50, at_least=False),
    Promise("p99 of the worst wait at 100/s: at most 150 ms", "p99_ms_at_100", 150, at_least=False),
    Promise("cost at 10,000,000 stored: at most 1.2 times that at 100,000", "growth_ratio_10m", 1.2, at_least=False),
    *(Promise(f"memory of {it}: at most 150 MB", f"peak_mb_{it}", 150, at_least=False, hoped=True) for it in SERVICES),
    Promise("events: 50 times DBOS", "ratio_to_dbos", 50, hoped=True),
    Promise("events: 20 times Temporal", "ratio_to_temporal", 20, hoped=True),
    Promise("events: 5 times Restate", "ratio_to_restate", 5, hoped=True),
)


def faster_than_the_floor(summary: Mapping[str, Value]) -> Iterator[str]:
    """Sentences: whatever of ours costs less than the floor shows that the floor is no floor."""
    for ours, floor in (("events", "floor"), ("events_large", "floor_large"), ("throughput", "throughput_floor")):
        if _number(summary, f"{ours}_per_s") > _number(summary, f"{floor}_per_s"):
            yield f"{ours}: ours is faster than the floor"
        for process in ("", *(f"_{it}" for it in SERVICES)):
            if _number(summary, f"{ours}_cpu_ms{process}") < _number(summary, f"{floor}_cpu_ms{process}"):
                yield f"{ours}: {process.removeprefix('_') or 'all'} takes less CPU than the floor's"


def _number(summary: Mapping[str, Value], key: str) -> float:
    """Not a number where not run: compares as neither more nor less."""
    value = summary.get(key)
    return float(value) if isinstance(value, (int, float)) else float("nan")
