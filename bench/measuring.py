"""One run, measured: how long, and what it used of processor and memory, by process."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.usage import cpu_seconds, peak_mb

CORES = 2
SERVERS = frozenset({"postgres", "kafka"})
"""Whose memory is a matter of their settings."""


@dataclass
class Result:
    """`cpu_ms`: for one registration, by process."""

    name: str
    count: int
    seconds: float = 0.0
    cpu_ms: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def lines(self) -> list[str]:
        total = sum(self.cpu_ms.values())
        cpu = "  ".join(f"{name} {value:.2f}" for name, value in self.cpu_ms.items())
        memory = "  ".join(f"{name} {value:.0f}" for name, value in self.peak_mb.items())
        return [
            f"{self.name:<10}{self.count:>8} registrations  {self.rate:6.0f}/s  in {self.seconds:.1f} s",
            f"          CPU ms each: {total:.2f}, so two full cores allow {1000 * CORES / total:.0f}/s:  {cpu}",
            f"          peak MB: {memory}",
        ]


@contextmanager
def measured(name: str, count: int, pids: Mapping[str, int]) -> Iterator[Result]:
    """`pids`, by name: this process's children or theirs. This process is the driver."""
    result = Result(name, count)
    everyone = {**pids, "driver": os.getpid()}
    before = {it: cpu_seconds(pid) for it, pid in everyone.items()}
    begun = time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - begun
    used = {it: cpu_seconds(pid) - before[it] for it, pid in everyone.items()}
    used["driver"] -= sum(value for it, value in used.items() if it != "driver")  # its descendants have their own
    result.cpu_ms = {it: 1000 * value / count for it, value in used.items()}
    result.peak_mb = {it: peak_mb(pid) for it, pid in pids.items() if it not in SERVERS}
