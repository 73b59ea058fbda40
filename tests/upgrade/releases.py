"""Services of two releases on the same tables and topics."""

import asyncio
import subprocess
import sys
import zipfile
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
from embedded import Servers, process
from embedded.ports import free_port

PREVIOUS = "e65797f"
"""Before deployment, upgrades and numbers were worked on; there was no release yet."""
PATIENCE = 300.0  # seconds


class NotInHistory(Exception):
    """Git does not have the commit that the release before was made of, as in a clone of the newest commit alone."""


def release_before(folder: Path) -> Path:
    """What its wheel installs: built of its commit, unpacked below `folder`. Raises NotInHistory."""
    archived = subprocess.run(["git", "archive", "--format=zip", PREVIOUS], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode != 0:
        raise NotInHistory(f"git has no commit {PREVIOUS}: {archived.stderr.decode().strip()}")
    source, installed = folder / "source", folder / "release-before"
    with zipfile.ZipFile(BytesIO(archived.stdout)) as packed:
        packed.extractall(source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed_wheel:
        packed_wheel.extractall(installed)
    return installed


def go_through(host: Servers, folder: Path, name: str, places: Mapping[str, Path], count: int) -> None:
    """So many registrations, with every mail and page; each service runs from the folder that `places` names for it, on
    this program's tables. Raises PromisesBroken, TimeoutError."""
    with sink(folder) as letters, filled(host, name, count, letters.smtp_url) as there:
        requests = messages(there, [request(it) for it in range(count)])
        with _running(there, folder, places) as programs:
            cookies = asyncio.run(cookies_of_reviewer(programs.urls["approver"]))
            asyncio.run(_lived(there, programs, requests, letters, cookies))
        asyncio.run(judge(there, letters.letters()))


@contextmanager
def _running(here: Room, folder: Path, places: Mapping[str, Path]) -> Iterator[Programs]:
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


async def _lived(there: Room, programs: Programs, requests: list[Message], letters: Letters, cookies: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await lived(there, programs, requests, letters, cookies)
        await settled(there.database_url, len(requests), mailed=True)
