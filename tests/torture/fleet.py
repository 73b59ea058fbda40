"""The four services as victims: started, ended, started again, each at its own address."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from embedded import process
from embedded.ports import free_port
from embedded.process import Process
from shared.topics import SERVICES
from tests.torture.points import Crash

PATIENCE = 120.0
"""Seconds until a service that is started, or told to stop, counts as hung."""
LOOK = 0.05


class Hung(Exception):
    """A service did not become ready, or ended by itself, where nobody had planned it."""


@dataclass
class Fleet:
    """`environment` holds the settings that all services share."""

    environment: Mapping[str, str]
    folder: Path
    urls: dict[str, str] = field(default_factory=dict)
    _running: dict[str, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        self.environment = {
            **self.environment,
            "PORTAL_URL": self.urls["portal"],
            "APPROVER_URL": self.urls["approver"],
        }

    def start(self, name: str, crash: Crash | None = None, *, member: bool = True, defect: str = "") -> None:
        url = self.urls[name]
        settings = {**self.environment, "PUBLIC_URL": url}
        if crash:
            settings |= crash.environment()
        if member:
            settings["MEMBER"] = name
        if defect:
            settings["DEFECT"] = defect
        command = [sys.executable, "-m", "tests.torture.victim", name, url.rpartition(":")[2]]
        self._running[name] = process.start(command, log_path=self.folder / f"{name}.log", env=settings)

    async def ready(self, name: str, patience: float = PATIENCE) -> bool:
        """True once it says so; False where it died before. Raises Hung."""
        deadline = time.monotonic() + patience
        async with httpx2.AsyncClient(timeout=10) as client:
            while self._running[name].alive:
                try:
                    if (await client.get(f"{self.urls[name]}/readyz")).status_code == 200:
                        return True
                except httpx2.TransportError:
                    pass
                if time.monotonic() > deadline:
                    raise Hung(f"{name} was not ready after {patience:.0f} s; see {self.folder / name}.log")
                await asyncio.sleep(LOOK * 4)
        return False

    async def dies(self, name: str, within: float) -> bool:
        """Whether it died at its point within that time. Raises Hung where it ended in another way."""
        deadline = time.monotonic() + within
        while self._running[name].alive:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK)
        self._must_be_killed(name, await asyncio.to_thread(self._running[name].stop))
        return True

    async def kill(self, name: str) -> None:
        """From outside, wherever it stands."""
        self._must_be_killed(name, await asyncio.to_thread(self._running[name].kill))

    async def restart(self, name: str) -> None:
        """Told to stop, as an update does, and started again. Raises Hung where it does not end in order."""
        if status := await asyncio.to_thread(self._running[name].stop):
            raise Hung(f"{name} was told to stop and ended with {status}:\n{self._running[name].log_tail()}")
        self.start(name, member=False)
        await self.ready(name)

    def pid(self, name: str) -> int | None:
        """None while it does not run."""
        running = self._running.get(name)
        return running.pid if running and running.alive else None

    async def freeze(self, name: str, seconds: float) -> None:
        """Stopped by a signal, and let go on if it lives then."""
        frozen = self._running[name]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            if frozen.alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(frozen.pid, number)
            if number == signal.SIGSTOP:
                await asyncio.sleep(seconds)

    def _must_be_killed(self, name: str, status: int) -> None:
        if status != -signal.SIGKILL:
            raise Hung(f"{name} ended by itself with status {status}:\n{self._running[name].log_tail()}")

    async def stop(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(one.stop) for one in self._running.values()))
