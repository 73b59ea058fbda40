"""What doctor found, and servers that answer as no server should."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from commands.doctor import examine
from commands.doctor.findings import Finding


async def found(service: str | None = None) -> list[Finding]:
    return [finding async for finding in examine(service)]


async def ill(service: str | None = None) -> list[str]:
    """The lines that are not well."""
    return [finding.line() for finding in await found(service) if not finding.is_well]


@asynccontextmanager
async def serve_silence() -> AsyncIterator[str]:
    over = asyncio.Event()

    async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()


class Servants:
    """Each answers a path with its body, everything else with 404."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []

    async def answering(self, bodies: Mapping[str, str], *, date: str = "") -> str:
        """Its address. `URL` in a body becomes it."""
        addresses: list[str] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readline()).split()[1].decode()
            while (await reader.readline()).strip():
                pass
            body = bodies.get(path, "").replace("URL", addresses[0])
            status = "200 OK" if path in bodies else "404 Not Found"
            dated = f"Date: {date}\r\n" if date else ""
            head = f"HTTP/1.1 {status}\r\n{dated}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self._servers.append(server)
        addresses.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        return addresses[0]

    async def close(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()
