"""A summary as plots: SVG by file name. Pure."""

from collections.abc import Mapping

from bench.delays import LEGS
from bench.peers.engines import PEERS
from bench.summary import LATENCY_RATES, PROCESSES, Value
from bench.svg import bars
from bench.tables import CARRIED, WAITS


def plots(summary: Mapping[str, Value]) -> dict[str, str]:
    return {"rates.svg": _rates(summary), "cpu.svg": _cpu(summary), "latency.svg": _latency(summary)}


def _rates(it: Mapping[str, Value]) -> str:
    keys = {name: f"{key}_per_s" for key, name in CARRIED.items()}
    keys |= {name: f"peer_{name.replace('-', '_')}_per_s" for name in PEERS}
    rows = [(name, {"": value}) for name, key in keys.items() if isinstance(value := it[key], float)]
    return bars("Registrations a second, on one machine", rows)


def _cpu(it: Mapping[str, Value]) -> str:
    rows = []
    for key, name in CARRIED.items():
        values = {process: it[f"{key}_cpu_ms_{process}"] for process in PROCESSES}
        if parts := {process: value for process, value in values.items() if isinstance(value, float)}:
            rows.append((name, parts))
    return bars("CPU milliseconds for one registration, by process", rows, digits=2)


def _latency(it: Mapping[str, Value]) -> str:
    rows = []
    for rate in LATENCY_RATES:
        for leg in LEGS:
            p50, p99 = it[f"{leg}_p50_ms_at_{rate}"], it[f"{leg}_p99_ms_at_{rate}"]
            if isinstance(p50, float) and isinstance(p99, float):
                rows.append((f"{rate}/s {WAITS[leg]}", {"half within": p50, "99 of 100 within": p99 - p50}))
    return bars("Waits in milliseconds, with every mail and every page", rows, digits=1)
