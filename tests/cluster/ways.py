"""Ways to servers, at HOST: whoever connects to a port there is led to where it leads at that moment."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.many.balancer import carried

Target = Callable[[], tuple[str, int]]
"""Host and port, asked for each connection."""


def fixed(host: str, port: int) -> Target:
    return lambda: (host, port)


class Ways:
    """They are led in a thread of their own. Made by `ways`."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._loop.run_forever, name="ways", daemon=True)

    def lead(self, port: int, target: Target, context: ssl.SSLContext | None = None) -> None:
        """With `context` who comes speaks TLS, and the server need not."""

        async def led(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                answers, server = await asyncio.open_connection(*target())
            except (OSError, LookupError):
                writer.close()
            else:
                await asyncio.gather(carried(reader, server), carried(answers, writer))

        listening = asyncio.start_server(led, self._host, port, ssl=context)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.thread.join()


@contextmanager
def ways(host: str) -> Iterator[Ways]:
    made = Ways(host)
    made.thread.start()
    try:
        yield made
    finally:
        made.close()
