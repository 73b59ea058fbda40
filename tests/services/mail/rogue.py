"""A mail server that fails in all the ways that servers do, and keeps what it accepted: a message counts as accepted
from the moment that the server has decided to take it, whether or not its answer is heard."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from enum import StrEnum

DRIP = 0.1  # seconds a letter


class Fault(StrEnum):
    NONE = "none"
    GREYLISTED = "4xx to RCPT"
    PUT_OFF = "4xx to DATA"
    NO_GREETING = "dropped before a greeting"
    NOT_NOW = "4xx as a greeting"
    DROPPED_IN_DATA = "dropped in the middle of DATA"
    DROPPED_BEFORE_250 = "dropped before 250"
    TAKEN_AND_DROPPED = "taken, and dropped before 250"
    DROPPED_AFTER_250 = "dropped after 250"
    HANGS_AFTER_DATA = "taken, and silent"
    DRIPS = "an answer letter by letter"
    NO_STARTTLS = "no STARTTLS"
    STARTTLS_REFUSED = "4xx to STARTTLS"
    UNTRUSTED = "a certificate of nobody"


GOES_ON = frozenset({Fault.NONE, Fault.DROPPED_AFTER_250})


class Dropped(Exception):
    """This connection is over."""


class RogueServer:
    """`next_fault` says how each connection fares, and then each further message on it."""

    def __init__(self, next_fault: Callable[[], Fault], certificate: ssl.SSLContext | None = None) -> None:
        self.accepted: Counter[str] = Counter()
        """By Message-ID."""
        self.suffered: Counter[Fault] = Counter()
        self.began = 0
        """Messages whose sender was named: more than TLS or a greeting allowed."""
        self.port = 0
        self._next_fault = next_fault
        self._certificate = certificate

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Talk(self, self.next_fault(), reader, writer, self._certificate).go()
        except (Dropped, OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    def next_fault(self) -> Fault:
        fault = self._next_fault()
        self.suffered[fault] += 1
        return fault

    def accept(self, message: bytes) -> None:
        self.accepted[str(message_from_bytes(message)["Message-ID"]).strip()] += 1


class _Talk:
    def __init__(
        self,
        server: RogueServer,
        fault: Fault,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        certificate: ssl.SSLContext | None,
    ) -> None:
        self._server, self._fault, self._reader, self._writer = server, fault, reader, writer
        self._certificate = certificate
        self._used = False

    async def go(self) -> None:
        if self._fault is Fault.NO_GREETING:
            raise Dropped
        await self._say("421 too busy" if self._fault is Fault.NOT_NOW else "220 here")
        while True:
            verb = (await self._reader.readuntil(b"\r\n"))[:4].upper().strip()
            match verb:
                case b"EHLO":
                    tls = self._certificate is not None and self._fault is not Fault.NO_STARTTLS
                    offered = ["here", *(["STARTTLS"] if tls else []), "8BITMIME"]
                    *most, last = offered
                    for line in most:
                        await self._say(f"250-{line}")
                    await self._say(f"250 {last}")
                case b"STAR":
                    await self._start_tls()
                case b"MAIL":
                    self._begin()
                    await self._say("250 ok")
                case b"RCPT":
                    await self._say("450 greylisted" if self._fault is Fault.GREYLISTED else "250 ok")
                case b"DATA":
                    await self._take()
                case b"QUIT":
                    await self._say("221 bye")
                    raise Dropped
                case _:
                    await self._say("250 ok")

    def _begin(self) -> None:
        self._server.began += 1
        if self._used:
            self._fault = self._server.next_fault()
            if self._fault in {Fault.NO_GREETING, Fault.NOT_NOW}:
                raise Dropped  # it is on another connection that these are to be met
        self._used = True

    async def _start_tls(self) -> None:
        if self._fault is not Fault.UNTRUSTED or self._certificate is None:
            await self._say("454 TLS not available")
        else:
            await self._say("220 go on")
            await self._writer.start_tls(self._certificate)

    async def _take(self) -> None:
        await self._say("354 go on")
        if self._fault is Fault.DROPPED_IN_DATA:
            await self._reader.read(20)
            raise Dropped
        message = await self._reader.readuntil(b"\r\n.\r\n")
        match self._fault:
            case Fault.DROPPED_BEFORE_250:
                raise Dropped
            case Fault.PUT_OFF:
                await self._say("451 not now")
                return
            case Fault.TAKEN_AND_DROPPED:
                self._server.accept(message)
                raise Dropped
            case Fault.HANGS_AFTER_DATA:
                self._server.accept(message)
                await self._reader.read()  # until the other side has had enough
                raise Dropped
            case _:
                self._server.accept(message)
                await self._say("250 taken")
        if self._fault is Fault.DROPPED_AFTER_250:
            raise Dropped

    async def _say(self, line: str) -> None:
        letters: Iterator[str] = iter([f"{line}\r\n"] if self._fault is not Fault.DRIPS else f"{line}\r\n")
        for some in letters:
            if self._fault is Fault.DRIPS:
                await asyncio.sleep(DRIP)
            self._writer.write(some.encode())
            await self._writer.drain()


@asynccontextmanager
async def rogue_server(
    next_fault: Callable[[], Fault], certificate: ssl.SSLContext | None = None
) -> AsyncIterator[RogueServer]:
    rogue = RogueServer(next_fault, certificate)
    listener = await asyncio.start_server(rogue.talk, "127.0.0.1", 0)
    rogue.port = listener.sockets[0].getsockname()[1]
    try:
        yield rogue
    finally:
        listener.close()
