"""What the mail server tells of what it received (see sink.py), as it comes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from embedded import process
from embedded.ports import free_port
from embedded.process import Process

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Letter:
    """`at`: when it was accepted, on the machine's monotonic clock."""

    at: float
    to: str
    message_id: str
    link: str

    @classmethod
    def said(cls, line: bytes) -> Self:
        at, to, message_id, link = line.decode().split(" ")
        return cls(float(at), to, message_id, link)

    @property
    def registration_id(self) -> str:
        return self.message_id.partition(".")[0]


@dataclass
class Letters:
    """Made by `sink`, used in one event loop."""

    process: Process
    smtp_url: str
    pipe: int
    lines: list[bytes] = field(default_factory=list)
    _rest: bytes = b""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def read(self, confirm: Callable[[Letter], None]) -> AsyncIterator[None]:
        """Meanwhile. Told: those that ask to confirm."""
        self._confirm = confirm
        told = os.fdopen(os.dup(self.pipe), "rb", buffering=0)
        reading, _lines = await asyncio.get_running_loop().connect_read_pipe(lambda: _Lines(self._heard), told)
        try:
            yield
        finally:
            reading.close()
            await asyncio.sleep(0)  # in which the pipe is let go

    async def all_of(self, count: int) -> None:
        while len(self.lines) < count:
            self._came.clear()
            await self._came.wait()

    def letters(self) -> Iterator[Letter]:
        return map(Letter.said, self.lines)

    def _heard(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += lines
        self._came.set()
        for line in lines:
            if not line.endswith(b" -"):
                self._confirm(Letter.said(line))


class _Lines(asyncio.Protocol):
    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self.data_received = heard  # type: ignore[method-assign,assignment]  # all that this does


@contextmanager
def sink(folder: Path) -> Iterator[Letters]:
    """A mail server of its own."""
    pipe, log, port = folder / "letters", folder / "sink.log", free_port()
    for left in (pipe, log):
        left.unlink(missing_ok=True)
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDWR)  # both ways: who opens it first does not wait
    server = process.start([sys.executable, "-m", "bench.sink", str(port), str(pipe)], log_path=log)
    try:
        server.wait_until(lambda: "ready" in server.log_tail(), READY_SECONDS)
        yield Letters(server, f"smtp://127.0.0.1:{port}", reading)
    finally:
        server.stop()
        os.close(reading)
