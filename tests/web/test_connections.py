"""What one connection may take of a service: memory, and time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from itertools import chain

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from shared.web import connections
from shared.web.server import serve
from tests.web.small_service import OpenSite

PATIENCE = 20.0
MANY = 200
ENOUGH = 2000  # parts of 10 kB: more than lies in the buffers of both ends


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body, or answers without it."""
    try:
        body = b"" if scope["path"] == "/unread" else await Request(scope, receive).body()
    except ClientDisconnect:
        return
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(_app, "127.0.0.1", 0, started=started.set_result))
    yield await started
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)


async def answered(port: int, *parts: bytes, then: Iterable[bytes] = ()) -> bytes:
    """All that is answered until the service lets go; `then` is sent after `parts` for as long as it listens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for part in chain(parts, then):
            writer.write(part)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionResetError:
        return b"let go"
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()


BEGIN = b"POST / HTTP/1.1\r\nhost: a\r\n"
CHUNKED = BEGIN + b"transfer-encoding: chunked\r\n\r\n"
ENDLESS = {
    "an address": (b"GET /", b"x"),
    "a header": (BEGIN + b"x: ", b"x"),
    "headers": (BEGIN, b"x: y\r\n"),
    "what stands beside the length of a chunk": (CHUNKED + b"1;", b"x"),
    "headers after the body": (CHUNKED + b"1\r\nx\r\n0\r\n", b"x: y\r\n"),
    "headers after the body, of an answered request": (CHUNKED.replace(b" /", b" /unread") + b"0\r\n", b"x: y\r\n"),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_never_ends_is_not_collected(port: int, what: str) -> None:
    begin, more = ENDLESS[what]
    parts = iter([more * (10_000 // len(more))] * ENOUGH)
    answer = await answered(port, begin, then=parts)
    assert answer == b"let go" or b" 431 " in answer or b" 200 " in answer
    assert list(parts), "let go before it had all come"


async def test_a_head_of_a_usual_length_and_a_body_of_any_are_read(port: int) -> None:
    cookies = b"cookie: " + b"x" * 16_000 + b"\r\n"
    body = b"x" * 900_000
    head = BEGIN + cookies + b"connection: close\r\ncontent-length: 900000\r\n\r\n"
    assert (await answered(port, head, body)).endswith(b"900000")
    chunks = b"".join(b"%x\r\n%b\r\n" % (9000, b"x" * 9000) for _ in range(100))
    assert (
        await answered(port, BEGIN + b"connection: close\r\n", CHUNKED[len(BEGIN) :], chunks, b"0\r\n\r\n")
    ).endswith(b"900000")


async def test_many_requests_on_one_connection_are_answered_each(port: int) -> None:
    last = BEGIN + b"connection: close\r\ncontent-length: 1\r\n\r\nx"
    filled = b"x: " + b"x" * 1000 + b"\r\n"
    answers = await answered(port, *[BEGIN + filled + b"content-length: 1\r\n\r\nx"] * MANY, last)
    assert answers.count(b"HTTP/1.1 200") == MANY + 1


@pytest.mark.parametrize(
    "begun", [b"", b"GET ", BEGIN, BEGIN + b"content-length: 9\r\n\r\nx", BEGIN + b"content-length: 0\r\n\r\nGET "]
)
async def test_who_does_not_come_to_an_end_of_asking_is_let_go_without_noise(
    port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "WHOLE_WITHIN", 0.2)
    with caplog.at_level(logging.WARNING):
        await answered(port, begun)  # within the test's patience
    assert [it for it in caplog.records if it.levelno >= logging.ERROR] == []


def test_who_leaves_in_the_middle_of_a_form_is_no_news_for_the_operator(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a stranger could fill the log with tracebacks."""
    answers: list[Message] = []
    parts: list[Message] = [{"type": "http.request", "body": b"name=A", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": "/language", "query_string": b"", "headers": headers}

    async def asked() -> None:
        await open_site().app(scope, receive, send)

    asyncio.run(asked())
    assert (answers, caplog.records, parts) == ([], [], [])
