"""A real SMTP server that answers what a test says, by recipient, and keeps what it accepted."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from embedded.ports import free_port

DISCONNECT = "disconnect"
HANG = "hang"
WAIT = "wait"
PATIENCE = 10.0


class OrderlyController(Controller):
    """Its connections are closed before its loop ends, also the one by which it tries itself at its start: what is open
    then stays open, and Python says so in whatever test is at work when it finds it."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._made: list[SMTP] = []

    def factory(self) -> SMTP:
        made: SMTP = super().factory()  # type: ignore[no-untyped-call]  # aiosmtpd
        self._made.append(made)
        return made

    def stop(self, no_assert: bool = False) -> None:
        asyncio.run_coroutine_threadsafe(self._let_go(), self.loop).result(PATIENCE)
        super().stop(no_assert)

    async def _let_go(self) -> None:
        assert self.server
        self.server.close()
        await asyncio.sleep(0)  # what was accepted just now is made
        while any(it.session is None or it.transport for it in self._made):  # not begun yet, or not lost yet
            for it in self._made:
                if it.transport:
                    it.transport.close()
            await asyncio.sleep(0)


@dataclass
class ScriptedServer:
    """Answers to MAIL, RCPT and DATA: a line as sent, DISCONNECT (after DATA: the message was taken, and no answer
    given) or HANG until the end; after DATA also WAIT until `go_on` says what. By recipient, but for MAIL, which takes
    lines only. `asked` are the messages that came, answered or not; `options` are those that came with MAIL;
    `busiest` is how many messages were in hand at once, at most."""

    at_mail: str = "250 OK"
    at_rcpt: dict[str, Any] = field(default_factory=dict)
    at_data: dict[str, Any] = field(default_factory=dict)
    received: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    options: dict[str, list[str]] = field(default_factory=dict)
    busiest: int = 0
    port: int = field(default_factory=free_port)
    _controller: OrderlyController | None = None
    _in_hand: int = 0
    _released: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=list)
    _then: str = "250 OK"
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def message_ids(self, recipient: str) -> list[str]:
        return [str(message_from_bytes(raw)["Message-ID"]).strip() for raw in self.received[recipient]]

    def start(self) -> None:
        self._controller = OrderlyController(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True)
        self._controller.start()

    def go_on(self, answer: str = "250 OK") -> None:
        """Answers what hangs; and `answer` to what waits."""
        with self._lock:
            self._then = answer
            for loop, event in self._released:
                loop.call_soon_threadsafe(event.set)
            self._released.clear()

    def get_well(self) -> None:
        """From now on it takes what it is given, on connections of its own."""
        self.stop()
        self.at_mail = "250 OK"
        self.at_rcpt.clear()
        self.at_data.clear()
        self.start()

    def stop(self) -> None:
        self.go_on()
        if self._controller:
            self._controller.stop()
            self._controller = None

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        envelope.mail_options += options
        return self.at_mail

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> Any:  # noqa: N802
        self.options[address] = list(envelope.mail_options)
        answer = self.at_rcpt.get(address, "250 OK")
        if answer == "250 OK":
            envelope.rcpt_tos.append(address)
        return await self._said(server, answer)

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> Any:  # noqa: N802
        self._in_hand += 1
        self.busiest = max(self.busiest, self._in_hand)
        try:
            return await self._take(server, envelope)
        finally:
            self._in_hand -= 1

    async def _take(self, server: Any, envelope: Any) -> Any:
        [recipient] = envelope.rcpt_tos
        answer = self.at_data.get(recipient, "250 OK")
        self.asked[recipient].append(envelope.content)
        if answer == WAIT:
            await self._release()
            answer = self._then
        if answer in ("250 OK", DISCONNECT):
            self.received[recipient].append(envelope.content)
        return await self._said(server, answer)

    async def _said(self, server: Any, answer: Any) -> Any:
        if answer == DISCONNECT:
            server.transport.abort()
            return "250 OK"  # nobody hears it
        if answer == HANG:
            await self._release()
            return "451 not any more"
        return answer

    async def _release(self) -> None:
        released = asyncio.Event()
        with self._lock:
            self._released.append((asyncio.get_running_loop(), released))
        await released.wait()


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
