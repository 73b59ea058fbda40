"""The web server inside a loop that runs already, beside a service's consumers. Signals belong to the caller:
to stop, cancel. Requests in hand are finished first, for up to `PATIENCE` seconds. No access log:
confirmation links hold secrets.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp

from shared.web.connections import BoundedProtocol

PATIENCE = 5  # seconds


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()


async def serve(app: ASGIApp, host: str, port: int, *, started: Callable[[int], None] | None = None) -> None:
    """Serves until cancelled. Port 0 takes a free one; `started` gets the real one once it accepts requests.

    Raises OSError where the address cannot be had.
    """
    with await _listening(host, port) as listener:
        real_port: int = listener.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=PATIENCE,
        )
        server = _Server(config, on_start=lambda: started(real_port) if started else None)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise


async def _listening(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    family, _kind, _protocol, _name, address = (
        await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    )[0]
    listener = socket.create_server(address[:2], family=family, backlog=2048)
    # What it accepts inherits this. Else the end of each answer waits 40 ms for the reader to confirm its beginning.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
