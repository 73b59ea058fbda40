"""A connection over which requests are made one after the other, for as little as can be: what asks shares two cores
with what answers. Of an answer no more is read than its status and its length."""

import asyncio
import re
from typing import cast
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"


def get(url: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAccept-Language: vi\r\n\r\n".encode()


def post(url: str, path: str, body: str = "", cookies: str = "") -> bytes:
    """From a form at `url`."""
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Origin: {url}",
        "Accept-Language: vi",
        *([f"Cookie: {cookies}"] if cookies else []),
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


KEPT = 3.0  # seconds: servers close an idle connection after five


class Asking(asyncio.Protocol):
    """One connection; it is opened anew where it was idle for long or the server has closed it."""

    def __init__(self, url: str) -> None:
        self._host, _, port = urlsplit(url).netloc.partition(":")
        self._port = int(port)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._heard = bytearray()
        self._used_at = 0.0

    async def ask(self, request: bytes) -> int:
        """The status. Raises ConnectionError where no answer came."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._used_at > KEPT:
            self.close()
        if self._transport is None or self._transport.is_closing():
            await loop.create_connection(lambda: self, self._host, self._port)
        assert self._transport  # made by connection_made
        self._answer = loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._used_at = loop.time()
            self._answer = None

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._heard.clear()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head = self._heard.find(_END_OF_HEAD)
        if head < 0 or self._answer is None:
            return
        length = _LENGTH.search(self._heard, 0, head)
        if len(self._heard) >= head + len(_END_OF_HEAD) + (int(length[1]) if length else 0):
            status = int(self._heard[9:12])
            self._heard.clear()
            self._answer.set_result(status)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer:
            self._answer.set_exception(error or ConnectionError("the server closed the connection and did not answer"))
