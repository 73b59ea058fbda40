"""A summary as lines for people. Pure."""

from collections.abc import Iterator, Mapping
from itertools import chain

from bench.delays import LEGS
from bench.peers.engines import PEERS
from bench.promised import PROMISES, faster_than_the_floor
from bench.summary import LATENCY_RATES, PROCESSES, Value
from shared.topics import SERVICES

CARRIED = {
    "events": "events, ours",
    "floor": "events, floor",
    "naive": "events, naive",
    "events_large": "many events, ours",
    "floor_large": "many events, floor",
    "throughput": "throughput, ours",
    "throughput_floor": "throughput, floor",
}
WAITS = {"mail": "request to mail accepted", "case": "confirm to case open", "approval": "approve to approved"}


def table(summary: Mapping[str, Value]) -> list[str]:
    parts = (_head, _rates, _cpu, _peers, _latency, _memory, _promises, _floor)
    return list(chain.from_iterable(("", *part(summary)) for part in parts))


def _head(it: Mapping[str, Value]) -> Iterator[str]:
    yield f"{it.get('date')}  commit {it.get('commit')}{' with changes' if it.get('commit_changed') else ''}"
    yield f"{it.get('hardware_cpu')}, {it.get('hardware_cores')} cores, {it.get('hardware_memory_mb')} MB"


def _rates(it: Mapping[str, Value]) -> Iterator[str]:
    yield "registrations/s                median      least       most      count  rounds  two cores allow"
    for key, name in CARRIED.items():
        if it[f"{key}_rounds"]:
            rates = "".join(_number(it[f"{key}_per_s{which}"], 11) for which in ("", "_min", "_max"))
            allowed = _number(it[f"{key}_two_cores_allow_per_s"], 17)
            yield f"{name:<26}{rates}{it[f'{key}_count']:>11}{it[f'{key}_rounds']:>8}{allowed}"
    for key, name in (
        ("ratio_to_floor", "events, ours / floor"),
        ("large_ratio_to_floor", "many events, ours / floor"),
        ("throughput_ratio_to_floor", "throughput, ours / floor"),
        ("ratio_to_naive", "events, ours / naive"),
    ):
        yield f"{name:<26}" + "".join(_number(it[f"{key}{which}"], 11, 2) for which in ("", "_min", "_max"))


def _cpu(it: Mapping[str, Value]) -> Iterator[str]:
    yield f"{'CPU ms each':<21}" + "".join(f"{name:>10}" for name in ("all", *PROCESSES))
    for key, name in CARRIED.items():
        if it[f"{key}_rounds"]:
            values = (it[f"{key}_cpu_ms"], *(it[f"{key}_cpu_ms_{process}"] for process in PROCESSES))
            yield f"{name:<21}" + "".join(_number(value, 10, 2) for value in values)


def _peers(it: Mapping[str, Value]) -> Iterator[str]:
    yield "engines             registrations/s  CPU ms each"
    for name in PEERS:
        key = f"peer_{name.replace('-', '_')}"
        if it[f"{key}_skipped"]:
            yield f"{name:<20}SKIPPED: {it[f'{key}_skipped']}"
        else:
            figures = _number(it[f"{key}_per_s"], 15) + _number(it[f"{key}_cpu_ms"], 13, 2)
            yield f"{name:<20}{figures}  {it[f'{key}_version'] or 'not run'}"
    ratios = (f"{engine} {_number(it[f'ratio_to_{engine}'], 0, 1)}" for engine in ("dbos", "temporal", "restate"))
    yield f"ours / the better mode of: {', '.join(ratios)}"


def _latency(it: Mapping[str, Value]) -> Iterator[str]:
    yield f"{'waits, in ms':<34}{'p50':>9}{'p99':>9}{'max':>9}"
    for rate in LATENCY_RATES:
        if it[f"latency_count_at_{rate}"] is None:
            yield f"{rate}/s: not run"
            continue
        if not it[f"latency_kept_up_at_{rate}"]:
            yield f"{rate}/s: NOT CARRIED: only {_number(it[f'latency_carried_per_s_at_{rate}'], 0)}/s"
        for leg in LEGS:
            figures = (it[f"{leg}_{figure}_ms_at_{rate}"] for figure in ("p50", "p99", "max"))
            shown = "".join(_number(value, 9, 1, "never") for value in figures)
            yield f"{rate:>4}/s  {WAITS[leg]:<26}{shown}"


def _memory(it: Mapping[str, Value]) -> Iterator[str]:
    yield "peak MB    " + "  ".join(f"{name} {_number(it[f'peak_mb_{name}'], 0)}" for name in SERVICES)
    growth = _number(it["growth_ratio_10m"], 0, 2)
    when = it["growth_date"] or "not run"
    yield f"cost at 10,000,000 stored over cost at 100,000: {growth} (make bench-growth, {when})"


def _promises(it: Mapping[str, Value]) -> Iterator[str]:
    for promise in PROMISES:
        yield f"{promise.verdict(it):<10}{promise.sentence}: {_number(it[promise.key], 0, 2)}"


def _floor(it: Mapping[str, Value]) -> Iterator[str]:
    for sentence in faster_than_the_floor(it):
        yield f"THE FLOOR IS WRONG: {sentence}"


def _number(value: Value, width: int, digits: int = 0, none: str = "–") -> str:
    shown = f"{value:,.{digits}f}" if isinstance(value, (int, float)) else none
    return f"{shown:>{width}}"
