"""How services die and come back: each its own deaths, one after the other, beside the others."""

import time
from dataclasses import dataclass

from tests.torture.fleet import Fleet, Hung
from tests.torture.plan import Death, Plan
from tests.torture.report import ELSEWHERE, Report

AT_POINT = 20.0
"""Seconds in which a point must be passed; after that the service is killed wherever it stands."""


@dataclass(frozen=True, slots=True)
class Haunting:
    """Tells `report` of kills, of recoveries, and of what ended or hung by itself."""

    fleet: Fleet
    plan: Plan
    report: Report

    async def __call__(self, name: str, until: float) -> None:
        """One service's lives and deaths; at the end it lives."""
        died_at: float | None = None
        for death in self.plan.deaths.get(name, ()):
            if self.plan.seconds and time.monotonic() > until:
                break
            self.fleet.start(name, death.crash, member=death.member, defect=self.plan.defects.get(name, ""))
            if await self._lives(name, died_at):
                died_at = None
            await self._dies(name, death)
            died_at = died_at or time.monotonic()
        self.fleet.start(name)
        await self._lives(name, died_at)

    async def _lives(self, name: str, died_at: float | None) -> bool:
        try:
            if not await self.fleet.ready(name):
                return False
        except Hung as hung:
            self.report.broken.append(str(hung))
            return False
        if died_at is not None:
            self.report.recoveries.setdefault(name, []).append(time.monotonic() - died_at)
        return True

    async def _dies(self, name: str, death: Death) -> None:
        try:
            hit = await self.fleet.dies(name, death.crash.after + AT_POINT)
            if not hit:
                await self.fleet.kill(name)
        except Hung as ended:
            self.report.broken.append(str(ended))
        else:
            self.report.kills[name, death.crash.point if hit else ELSEWHERE] += 1
