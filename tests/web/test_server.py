"""The server lives inside somebody else's loop."""

import asyncio
import logging
import signal
import socket

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from shared.web.server import serve


async def _slow(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})


async def _running() -> tuple[asyncio.Task[None], int]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(_slow, "127.0.0.1", 0, started=port.set_result))
    return server, await asyncio.wait_for(port, 5)


async def _stop(server: asyncio.Task[None]) -> None:
    server.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server


def test_a_free_port_is_taken_and_told() -> None:
    async def told() -> None:
        server, port = await _running()
        async with httpx2.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/")
        assert answer.text == "done"
        assert "server" not in answer.headers
        await _stop(server)

    asyncio.run(told())


def test_no_answer_waits_for_its_beginning_to_be_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sockets that it answers on send at once (TCP_NODELAY)."""
    accepted: list[socket.socket] = []
    accept = socket.socket.accept

    def kept(listener: socket.socket) -> tuple[socket.socket, object]:
        connection, address = accept(listener)
        accepted.append(connection)
        return connection, address

    async def asked() -> None:
        server, port = await _running()
        async with httpx2.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{port}/")
            [connection] = accepted
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await _stop(server)

    monkeypatch.setattr(socket.socket, "accept", kept)
    asyncio.run(asked())


def test_a_request_in_hand_is_answered_before_the_server_stops() -> None:
    async def stopped() -> None:
        server, port = await _running()
        async with httpx2.AsyncClient() as client:
            asked = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/slow"))
            await asyncio.sleep(0.2)
            await _stop(server)
            assert (await asked).text == "done"
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/")

    asyncio.run(stopped())


def test_signals_are_left_to_the_caller() -> None:
    async def left() -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        server, _port = await _running()
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
        await _stop(server)

    asyncio.run(left())


def test_no_address_that_was_asked_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def logged() -> None:
        server, port = await _running()
        async with httpx2.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{port}/confirmations/secret-token")
        await _stop(server)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(logged())
    uvicorns = [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]
    assert uvicorns
    assert not any("secret-token" in line for line in uvicorns)


def test_a_port_that_is_taken_is_an_error_for_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        asyncio.run(serve(_slow, "127.0.0.1", taken.getsockname()[1]))
