"""A TCP proxy that does to a connection what networks and dying servers do.

It runs in a thread of its own, so that a fault is a plain call from anywhere. A connection is between a client and the
server behind the proxy; what is said of connections holds for those that are there and for new ones, until `heal`.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from embedded.ports import free_port

CHUNK = 64 * 1024
SLOW = 2000  # bytes a second, in each direction of each connection
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Fault(StrEnum):
    CUT = "cut"
    """Connections are reset, new ones refused."""
    HANG = "hang"
    """Nothing moves. After it, connections go on where they stood."""
    SLOW = "slow"
    """SLOW bytes a second."""
    RESET = "reset"
    """A connection is reset in the middle of the server's next answer."""
    HALF_OPEN = "half-open"
    """The other side is gone and neither side is told: connections stay open and dead, after the fault too."""


class Proxy:
    """`with Proxy(port) as proxy`: listens on `proxy.port` of 127.0.0.1 before the server of `port`."""

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self.upstream = upstream
        self._fault: Fault | None = None
        self._moving = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy of {upstream}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        self._loop.call_soon_threadsafe(self._moving.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def suffer(self, fault: Fault) -> None:
        """From now on, until `heal`."""
        self._do(self._suffer(fault))

    def heal(self) -> None:
        self._do(self._heal())

    @property
    def connections(self) -> int:
        """How many are open, dead ones too."""
        return len(self._lines)

    def put_in_the_servers_mouth(self, said: bytes) -> None:
        """To each client, whose connections stay as they are."""
        self._do(self._say(said))

    async def _say(self, said: bytes) -> None:
        for line in self._lines:
            line.client.write(said)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _suffer(self, fault: Fault) -> None:
        await self._heal()
        self._fault = fault
        if fault is Fault.HANG:
            self._moving.clear()
        if fault is Fault.HALF_OPEN:
            for line in self._lines:
                line.dead = True
        if fault is Fault.CUT and self._listener:
            self._listener.close()
            self._listener = None
            for line in list(self._lines):
                line.reset()

    async def _heal(self) -> None:
        self._fault = None
        self._moving.set()
        await self._listen()

    async def _stop(self) -> None:
        await self._suffer(Fault.CUT)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(writer, dead=self._fault is Fault.HALF_OPEN)
        self._lines.add(line)
        try:
            await self._moving.wait()
            answers, line.server = await asyncio.open_connection("127.0.0.1", self.upstream)
            there = asyncio.create_task(self._pass(line, reader, line.server, back=False))
            back = asyncio.create_task(self._pass(line, answers, writer, back=True))
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            for way in (there, back):
                way.cancel()
        except OSError:
            pass  # the server is not there, or either side has gone
        finally:
            self._lines.discard(line)
            line.reset()

    async def _pass(
        self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        try:
            while data := await reader.read(SLOW // 10 if self._fault is Fault.SLOW else CHUNK):
                if self._fault is Fault.SLOW:
                    await asyncio.sleep(len(data) / SLOW)
                await self._moving.wait()
                if line.dead:
                    continue
                if back and self._fault is Fault.RESET:
                    writer.write(data[: len(data) // 2])
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # either side has gone
        if line.dead:
            await asyncio.Event().wait()  # and the other is never told


class _Line:
    """One connection through the proxy. `dead`: nothing passes any more, and neither side is told."""

    def __init__(self, client: asyncio.StreamWriter, *, dead: bool) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.dead = dead

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None and not writer.is_closing():
                plain: socket.socket = writer.get_extra_info("socket")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
