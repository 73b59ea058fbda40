"""Several instances of each service, each service on a PostgreSQL server of its own."""

import asyncio
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from embedded import process
from embedded.ports import free_port
from embedded.process import Process
from tests.integration.conftest import until_ready

HOW_MANY = {"registrar": 3, "notifier": 2, "approver": 2, "portal": 2}
NAMES = tuple(f"{service} {number}" for service, count in HOW_MANY.items() for number in range(1, count + 1))
_HANDLED = re.compile(r"^registration_batch_records_sum\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass
class Instances:
    """`environment` is all services', `own` each service's. Instances are called `registrar 2` and so on."""

    environment: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]
    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in NAMES})
    _running: dict[str, Process] = field(default_factory=dict)

    def start(self, name: str) -> None:
        service = name.partition(" ")[0]
        command = [sys.executable, "-m", "cli", "serve", service, "--port", str(self.ports[name])]
        settings = {**self.environment, **self.own[service]}
        self._running[name] = process.start(command, log_path=self.folder / f"{name}.log", env=settings)

    async def ready(self, *names: str) -> None:
        await asyncio.gather(*(until_ready(self.url(name)) for name in names))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    async def handled(self) -> dict[str, float]:
        """How many records each instance has stored."""
        async with httpx2.AsyncClient() as client:
            pages = await asyncio.gather(*(client.get(f"{self.url(name)}/metrics") for name in NAMES))
        return {name: sum(map(float, _HANDLED.findall(page.text))) for name, page in zip(NAMES, pages, strict=True)}

    async def kill(self, name: str) -> None:
        await asyncio.to_thread(self._running[name].kill)

    async def restart(self, name: str) -> int:
        """As an update does; answers the exit status of the one that was told to stop."""
        status = await asyncio.to_thread(self._running[name].stop)
        self.start(name)
        await self.ready(name)
        return status

    async def stop(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(one.stop) for one in self._running.values()))
