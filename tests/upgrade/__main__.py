"""The release before on the tables and events of this one, alone and beside it: an update needs no pause and can be
taken back.

    .venv/bin/python -m tests.upgrade            (make upgrade)

Tables are migrated by this program. Then registrations go through the four services, with every mail and page: all of
them as they were at PREVIOUS, two of them new, the other two, all new, and all old again. The checker judges each.
Needs the repository's history: the release before is what git has of that commit.
"""

import asyncio
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

from bench.drain import request
from bench.driver import Message, messages
from bench.judged import judge
from bench.letters import Letters, sink
from bench.machine import ROOT
from bench.people import lived
from bench.room import Programs, Room
from bench.settled import settled
from bench.throughput import cookies_of_reviewer, filled
from commands.demo.machine import READY_SECONDS, ready
from embedded import Servers, process, servers
from embedded.ports import free_port
from shared.observability import quiet_clients
from shared.topics import SERVICES

PREVIOUS = "e65797f"
"""Before deployment, upgrades and numbers were worked on; there was no release yet."""
EACH = 200  # registrations
PATIENCE = 300.0  # seconds
OLD, NEW = "old", "new"
PHASES = {
    "all old": dict.fromkeys(SERVICES, OLD),
    "registrar and notifier new": {"registrar": NEW, "notifier": NEW, "approver": OLD, "portal": OLD},
    "approver and portal new": {"registrar": OLD, "notifier": OLD, "approver": NEW, "portal": NEW},
    "all new": dict.fromkeys(SERVICES, NEW),
    "all old again": dict.fromkeys(SERVICES, OLD),
}


def unpacked(folder: Path) -> Path:
    """The release before. Raises CalledProcessError where git does not have it."""
    archive = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder


@contextmanager
def mixed(here: Room, folder: Path, places: Mapping[str, Path]) -> Iterator[Programs]:
    """Each service runs from the folder that `places` names for it."""
    urls = {name: f"http://127.0.0.1:{free_port()}" for name in places}
    with ExitStack() as stack:
        started = {}
        for name, place in places.items():
            command = [sys.executable, "-m", "cli", "serve", name, "--port", urls[name].rpartition(":")[2]]
            environment = here.environment | {"PUBLIC_URL": urls[name], "PYTHONPATH": str(place)}
            log = folder / f"{name}.log"
            started[name] = process.start(command, log_path=log, env=environment, cwd=place)
            stack.callback(started[name].stop)
        for name, one in started.items():
            one.wait_until(ready(urls[name]), READY_SECONDS)
        yield Programs(started, urls)


def through(host: Servers, folder: Path, old: Path) -> None:
    """Raises PromisesBroken, TimeoutError."""
    releases = {OLD: old, NEW: ROOT}
    for number, (phase, which) in enumerate(PHASES.items()):
        with sink(folder) as letters, filled(host, f"upgrade_{number}", EACH, letters.smtp_url) as there:
            requests = messages(there, [request(it) for it in range(EACH)])
            with mixed(there, folder, {name: releases[it] for name, it in which.items()}) as programs:
                cookies = asyncio.run(cookies_of_reviewer(programs.urls["approver"]))
                asyncio.run(_lived(there, programs, requests, letters, cookies))
            asyncio.run(judge(there, letters.letters()))
        print(f"{phase}: {EACH} registrations approved, the checker finds nothing", flush=True)


async def _lived(there: Room, programs: Programs, requests: list[Message], letters: Letters, cookies: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await lived(there, programs, requests, letters, cookies)
        await settled(there.database_url, EACH, mailed=True)


def main() -> None:
    quiet_clients()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old").mkdir()
        old = unpacked(folder / "old")
        with servers(folder, environ={}) as host:
            through(host, folder, old)


if __name__ == "__main__":
    main()
