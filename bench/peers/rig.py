"""What every engine's measurement needs: servers that end with this process, and the programs that drive the load.

A program is `python -m bench.peers.ENGINE PLAN_AS_JSON` in the peers' virtual environment; it writes what it counted
into the file that its plan names.
"""

import json
import os
import socket
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers import ROOT, CannotMeasure, Measured, engine_of
from embedded import process
from embedded.process import Process

HOST = "127.0.0.1"
WARM_UP = 5.0  # seconds
READY_SECONDS = 60.0
SLACK_SECONDS = 120.0  # a program's start and its last questions
PACKAGES = {"dbos": "dbos", "temporal": "temporalio", "restate": "restate_sdk"}


@dataclass(frozen=True, slots=True)
class Rig:
    """The peers' interpreter, a folder for data and logs, and for how many seconds to count."""

    python: Path
    folder: Path
    seconds: float

    def pipe(self, copy: int) -> Path:
        """Where the steps of a program's copy tell (see flow.py)."""
        path = self.folder / f"told-{copy}"
        if not path.exists():
            os.mkfifo(path)
        return path

    def drive(
        self,
        name: str,
        plan: dict[str, Any],
        load: dict[str, Any],
        pids: Mapping[str, int],
        server: str,
        copies: int = 1,
    ) -> Measured:
        """Runs the engine's program, or several at once. `pids`: of the other processes, by name. `server`: which."""
        results = [self.folder / f"counted-{copy}.json" for copy in range(copies)]
        with ExitStack() as stack:
            programs = []
            for copy, result in enumerate(results):
                own = {"warm_up": WARM_UP, "seconds": self.seconds, "result": str(result), "pipe": str(self.pipe(copy))}
                own |= load | ({} if copy else {"pids": dict(pids)})
                programs.append(self._program(engine_of(name), copy, json.dumps(plan | {"load": own})))
                stack.callback(programs[-1].kill)
            for program in programs:
                if program.wait(WARM_UP + self.seconds + SLACK_SECONDS) != 0:
                    raise CannotMeasure(f"its program failed:\n{program.log_tail()}")
        return self._sum(name, server, [json.loads(it.read_text(encoding="utf-8")) for it in results])

    @contextmanager
    def running(
        self, name: str, command: Sequence[str | Path], ready: Callable[[], bool], **environment: str
    ) -> Iterator[Process]:
        log = self.folder / f"{name}.log"
        started = process.start(command, log_path=log, env=os.environ | environment, cwd=ROOT)
        try:
            started.wait_until(ready, READY_SECONDS)
            yield started
        finally:
            started.stop()

    def _program(self, engine: str, copy: int, plan: str) -> Process:
        command: list[str | Path] = [self.python, "-m", f"bench.peers.{engine}", plan]
        environment = os.environ | {"PEERS_PIPE": str(self.pipe(copy))}
        return process.start(command, log_path=self.folder / f"{engine}-{copy}.log", env=environment, cwd=ROOT)

    def _sum(self, name: str, server: str, counted: list[dict[str, Any]]) -> Measured:
        count = sum(it["count"] for it in counted)
        used: Counter[str] = Counter()
        for it in counted:
            used.update(it["cpu_seconds"])
        package = PACKAGES[engine_of(name)]
        (info,) = self.python.parents[1].glob(f"lib/python*/site-packages/{package}-*.dist-info")
        return Measured(
            name=name,
            per_second=sum(it["count"] / it["seconds"] for it in counted),
            cpu_ms={process: 1000 * seconds / count for process, seconds in used.items()},
            version=f"{info.name.removesuffix('.dist-info').replace('-', ' ')}, {server}",
        )


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=READY_SECONDS):  # noqa: S310  # a server started here
            return True
    except OSError:
        return False


def post(url: str, value: object) -> None:
    head = {"content-type": "application/json"}
    question = urllib.request.Request(url, json.dumps(value).encode(), head)  # noqa: S310  # to a server started here
    with urllib.request.urlopen(question, timeout=READY_SECONDS):  # noqa: S310
        pass
