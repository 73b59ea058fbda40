"""One address before several instances of a service, as a load balancer: each connection to the next that accepts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

CHUNK = 64 * 1024


@asynccontextmanager
async def balancer(ports: Sequence[int]) -> AsyncIterator[int]:
    """The port that it listens on, at 127.0.0.1; `ports` are the instances'."""
    turn = 0

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        for _try in ports:
            turn += 1
            with suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", ports[turn % len(ports)])
                await asyncio.gather(carried(reader, far_writer), carried(far_reader, writer))
                break
        writer.close()

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
