"""What a run found, as one flat table of keys. Pure.

All keys are always there; null is what was not run, and a wait without end.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.delays import LEGS, Latency
from bench.measuring import CORES, Result
from bench.peers import Measured, Skipped, engine_of
from bench.peers.engines import PEERS
from shared.topics import SERVICES

Rounds = defaultdict[str, list[Result]]
Value = float | int | str | bool | None
PROCESSES = (*SERVICES, "postgres", "kafka", "sink", "driver")
LATENCY_RATES = (10, 100, 500)
ENGINES = tuple(dict.fromkeys(map(engine_of, PEERS)))


@dataclass
class Found:
    """Lists are a run's rounds, in which everything had its turn. `events`, `throughput`: by who carried it; `large`:
    events once more, with many. `growth`: what was stored of it (see growth.py). `about`: see machine.py."""

    about: dict[str, Value] = field(default_factory=dict)
    events: Rounds = field(default_factory=lambda: Rounds(list))
    large: Rounds = field(default_factory=lambda: Rounds(list))
    throughput: Rounds = field(default_factory=lambda: Rounds(list))
    latencies: list[Latency] = field(default_factory=list)
    peers: list[Measured | Skipped] = field(default_factory=list)
    growth: Mapping[str, Any] = field(default_factory=dict)


def flat(found: Found) -> dict[str, Value]:
    events, large, throughput = found.events, found.large, found.throughput
    named = {
        "events": events.get("ours", ()),
        "floor": events.get("floor", ()),
        "naive": events.get("naive", ()),
        "events_large": large.get("ours", ()),
        "floor_large": large.get("floor", ()),
        "throughput": throughput.get("ours", ()),
        "throughput_floor": throughput.get("floor", ()),
    }
    ours = [*named["events"], *named["events_large"], *named["throughput"]]
    return {
        **found.about,
        **{key: value for name, results in named.items() for key, value in _rates(name, results).items()},
        **_ratio("ratio_to_floor", named["events"], named["floor"]),
        **_ratio("large_ratio_to_floor", named["events_large"], named["floor_large"]),
        **_ratio("throughput_ratio_to_floor", named["throughput"], named["throughput_floor"]),
        **_ratio("ratio_to_naive", named["events"], named["naive"]),
        **_peers(found.peers, _middle(it.rate for it in named["events"])),
        **_latencies(found.latencies),
        **{f"peak_mb_{name}": _most(it.peak_mb.get(name) for it in ours) for name in SERVICES},
        "growth_ratio_10m": found.growth.get("growth_ratio_10m"),
        "growth_date": found.growth.get("date"),
        "growth_commit": found.growth.get("commit"),
    }


def _rates(name: str, results: Sequence[Result]) -> dict[str, Value]:
    """Medians, with the least and the most."""
    rates = [it.rate for it in results]
    cpu = {it: _middle(result.cpu_ms[it] for result in results if it in result.cpu_ms) for it in PROCESSES}
    total = _middle(sum(it.cpu_ms.values()) for it in results)
    return {
        f"{name}_per_s": _middle(rates),
        f"{name}_per_s_min": min(rates, default=None),
        f"{name}_per_s_max": max(rates, default=None),
        f"{name}_count": results[0].count if results else None,
        f"{name}_rounds": len(results),
        f"{name}_cpu_ms": total,
        f"{name}_two_cores_allow_per_s": 1000 * CORES / total if total else None,
        **{f"{name}_cpu_ms_{it}": value for it, value in cpu.items()},
    }


def _ratio(name: str, ours: Sequence[Result], others: Sequence[Result]) -> dict[str, Value]:
    """Of the medians; the least and the most are those within a round."""
    above, below = _middle(it.rate for it in ours), _middle(it.rate for it in others)
    within = [it.rate / other.rate for it, other in zip(ours, others, strict=False)]
    return {
        name: above / below if above and below else None,
        f"{name}_min": min(within, default=None),
        f"{name}_max": max(within, default=None),
    }


def _peers(peers: Sequence[Measured | Skipped], ours: float | None) -> dict[str, Value]:
    """Each mode of an engine by itself; the ratio is to its better mode."""
    measured = {it.name: it for it in peers if isinstance(it, Measured)}
    skipped = {it.name: it.why for it in peers if isinstance(it, Skipped)}
    values: dict[str, Value] = {}
    for name in PEERS:
        key, it = name.replace("-", "_"), measured.get(name)
        values |= {
            f"peer_{key}_per_s": it.per_second if it else None,
            f"peer_{key}_cpu_ms": sum(it.cpu_ms.values()) if it else None,
            f"peer_{key}_version": it.version if it else None,
            f"peer_{key}_skipped": skipped.get(name),
        }
    for engine in ENGINES:
        best = max((it.per_second for it in measured.values() if engine_of(it.name) == engine), default=None)
        values |= {f"ratio_to_{engine}": ours / best if ours and best else None}
    return values


def _latencies(latencies: Iterable[Latency]) -> dict[str, Value]:
    """At each rate, of the worst leg, and of each."""
    by_rate = {round(it.rate): it for it in latencies}
    values: dict[str, Value] = {}
    for rate in LATENCY_RATES:
        it = by_rate.get(rate)
        values |= {
            f"latency_count_at_{rate}": it.count if it else None,
            f"latency_carried_per_s_at_{rate}": it.carried if it else None,
            f"latency_kept_up_at_{rate}": it.kept_up if it else None,
        }
        for figure in ("p50", "p99", "max"):
            legs = {leg: getattr(it.legs[leg], figure) if it else None for leg in LEGS}
            values[f"{figure}_ms_at_{rate}"] = _finite(_most(legs.values()))
            values |= {f"{leg}_{figure}_ms_at_{rate}": _finite(value) for leg, value in legs.items()}
    return values


def _middle(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def _most(values: Iterable[float | None]) -> float | None:
    return max((it for it in values if it is not None), default=None)


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value
