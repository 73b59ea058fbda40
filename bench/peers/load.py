"""The driver: a closed loop of registrations, each answered as its customer and VNG's staff would answer at once.

`in_flight` registrations are always under way; each that ends makes room for the next. After `warm_up` seconds those
that reach "approved" within `seconds` are counted, and the CPU time that each process took for them.
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol
from uuid import uuid4

from bench.peers.flow import opened
from bench.usage import cpu_seconds

SAMPLE = 20  # so many of those counted last are asked for by their ids
SAMPLE_SECONDS = 60


class Engine(Protocol):
    async def request(self, registration_id: str) -> None: ...

    async def confirm(self, registration_id: str, answer_to: str) -> None: ...

    async def approve(self, registration_id: str, answer_to: str) -> None: ...

    async def end_state(self, registration_id: str) -> str:
        """Once it has ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`pipe`: where steps tell (see flow.py). `pids`: of the other processes, by name."""

    in_flight: int
    warm_up: float
    seconds: float
    pipe: str
    result: str
    pids: dict[str, int] = field(default_factory=dict)
    own_name: str = "driver"


@dataclass(slots=True)
class Loop:
    engine: Engine
    tasks: asyncio.TaskGroup
    approved: int = 0
    under_way: set[str] = field(default_factory=set)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=SAMPLE))

    def begin(self) -> None:
        registration_id = str(uuid4())
        self.under_way.add(registration_id)
        self._do(self.engine.request(registration_id))

    def told(self, line: str) -> None:
        """A step that an engine repeated may tell again: answers are idempotent, the end counts once."""
        step, registration_id, answer_to = line.split()
        match step:
            case "mailed":
                self._do(self.engine.confirm(registration_id, answer_to))
            case "opened":
                self._do(self.engine.approve(registration_id, answer_to))
            case "approved" if registration_id in self.under_way:
                self.under_way.remove(registration_id)
                self.approved += 1
                self.last.append(registration_id)
                self.begin()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.create_task(work)


async def drive(engine: Engine, plan: Plan) -> None:
    """Writes what was measured into the plan's file. Raises what the engine refused."""
    async with asyncio.TaskGroup() as tasks:
        loop = Loop(engine, tasks)
        tasks.create_task(_listen(loop, plan.pipe))
        for _ in range(plan.in_flight):
            loop.begin()
        await asyncio.sleep(plan.warm_up)
        measured = await _window(loop, plan)
        async with asyncio.timeout(SAMPLE_SECONDS):
            states = {await engine.end_state(it) for it in tuple(loop.last)}
        if states != {"approved"}:
            raise RuntimeError(f"counted as approved, but ended as {states}")
        _end(plan, measured)


async def _listen(loop: Loop, pipe: str) -> None:
    reader = asyncio.StreamReader()
    told = os.fdopen(opened(pipe), "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), told)
    while line := await reader.readline():
        loop.told(line.decode())


async def _window(loop: Loop, plan: Plan) -> dict[str, Any]:
    pids = plan.pids | {plan.own_name: os.getpid()}
    before, approved, begun = {name: cpu_seconds(pid) for name, pid in pids.items()}, loop.approved, time.perf_counter()
    await asyncio.sleep(plan.seconds)
    seconds, count = time.perf_counter() - begun, loop.approved - approved
    used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    if not count:
        raise RuntimeError(f"none was approved within {plan.seconds:g} s")
    return {"count": count, "seconds": seconds, "cpu_seconds": used}


def _end(plan: Plan, measured: dict[str, Any]) -> NoReturn:
    """At once: the loop goes on for ever, since each registration that ends begins another."""
    Path(plan.result).write_text(json.dumps(measured), encoding="utf-8")
    os._exit(0)
