"""What a campaign says of itself."""

from collections import Counter
from dataclasses import dataclass, field

from checker import Finding
from tests.torture.points import PLACES

SHOWN = 30

ELSEWHERE = "elsewhere"
"""Killed from outside, since its point was not passed in time."""


@dataclass
class Report:
    """`kills` by service and point; `recoveries` in seconds from a death until the service is ready again, by service;
    `broken` is what the campaign itself found wrong, beside the checker's `findings`."""

    seed: int
    registrations: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    disturbances: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.findings and not self.broken

    @property
    def never_hit(self) -> list[tuple[str, str]]:
        """Where a service could have died, and none did."""
        return [place for place in PLACES if not self.kills[place]]

    def lines(self) -> list[str]:
        statuses = ", ".join(f"{count} {status}" for status, count in self.statuses.items())
        lines = [f"seed {self.seed}: {self.registrations} registrations ({statuses})"]
        lines += [f"{name}: {took:.0f} s" for name, took in self.seconds.items()]
        lines.append(f"{self.kills.total()} kills, {self.disturbances.total()} other faults")
        lines += [f"  {count:>4}  {service} {point}" for (service, point), count in sorted(self.kills.items())]
        lines += [f"  {count:>4}  {name}" for name, count in sorted(self.disturbances.items())]
        lines += [f"     0  {service} {point}" for service, point in self.never_hit]
        for name, them in sorted(self.recoveries.items()):
            middle = sorted(them)[len(them) // 2]
            lines.append(f"{name} was ready again after {middle:.1f} s (median), {max(them):.1f} s (slowest)")
        lines.append(f"{len(self.findings)} findings of the checker, {len(self.broken)} of the campaign")
        promises = Counter(it.promise for it in self.findings)
        lines += [f"  {count:>4}  {promise}" for promise, count in promises.most_common()]
        lines += [f"  {it.promise} {it.registration_id}: {it.detail}" for it in self.findings[:SHOWN]]
        lines += [f"  {it}" for it in self.broken[:SHOWN]]
        return lines
