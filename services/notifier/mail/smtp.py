"""Handing messages to the mail server, and whose fault it is when one does not go.

Only an answer about the recipient (to RCPT or DATA) counts against the recipient. Everything else (connecting, TLS,
login, MAIL FROM, 421, no answer) is the server's: the operator's to mend, and the mail waits. Where DATA began and no
yes or no came, whether the message arrived is in doubt: it is sent again later with the same Message-ID.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

TIMEOUT = 20  # seconds for each answer
OLDEST = 60  # seconds: servers drop idle connections, and a balancer's new servers must get their share
CLOSING = 421


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took the message: 250 after DATA."""


@dataclass(frozen=True, slots=True)
class RecipientRefused:
    """`code` 5xx: for good; 4xx: for now. `detail` is the server's words."""

    code: int
    detail: str

    @property
    def for_good(self) -> bool:
        return self.code >= 500


@dataclass(frozen=True, slots=True)
class ServerTrouble:
    """`code` is the server's, if it gave one. `detail` may repeat an address: it is for the row, not the log.
    `in_doubt`: the message may have been accepted all the same. `unreachable`: no connection was made, for any mail."""

    detail: str
    code: int | None = None
    in_doubt: bool = False
    unreachable: bool = False


Answer = Accepted | RecipientRefused | ServerTrouble


@dataclass(slots=True)
class _Attempt:
    """`in_doubt` from the moment that DATA begins until the server says yes or no, however waiting for it ends."""

    in_doubt: bool = False
    connected: bool = False


@dataclass(slots=True)
class _Connection:
    client: aiosmtplib.SMTP
    opened: float


class Mailer:
    """A pool of connections to one server. `url`: smtp://user:password@host:port?starttls=required, or smtps://…

    `patience`: seconds for one message in all. As many connections are open as messages are sent at once.
    """

    def __init__(self, url: str, sender: str, *, patience: float = 45.0) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._patience = patience
        self._idle: list[_Connection] = []

    async def send(self, recipient: str, message: bytes) -> Answer:
        """Never raises for what the server does."""
        attempt = _Attempt()
        try:
            async with asyncio.timeout(self._patience), self._connection() as client:
                attempt.connected = True
                return await self._hand_over(client, recipient, message, attempt)
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            code = getattr(error, "code", None)
            return ServerTrouble(_words(error), code, attempt.in_doubt, unreachable=not attempt.connected)

    async def _hand_over(self, client: aiosmtplib.SMTP, recipient: str, message: bytes, attempt: _Attempt) -> Answer:
        ascii_only = recipient.isascii()
        if not ascii_only and not client.supports_extension("smtputf8"):
            return RecipientRefused(553, "553 the mail server takes no address beyond ASCII")
        await client.mail(
            self._sender,
            options=[] if ascii_only else ["SMTPUTF8", "BODY=8BITMIME"],
            encoding="ascii" if ascii_only else "utf-8",
        )
        try:
            await client.rcpt(recipient, encoding="ascii" if ascii_only else "utf-8")
            attempt.in_doubt = True
            await client.data(message)
        except SMTPResponseException as answer:
            if not 400 <= answer.code <= 599:
                raise
            attempt.in_doubt = False  # whatever becomes of the connection
            if answer.code == CLOSING:
                raise
            with suppress(SMTPException, OSError):  # the answer stands whatever becomes of the connection
                await client.rset()
            return RecipientRefused(answer.code, _words(answer))
        return Accepted()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Kept for the next message, unless anything went wrong on it."""
        connection = await self._reuse() or await self._open()
        try:
            yield connection.client
        except BaseException:
            connection.client.close()
            raise
        self._idle.append(connection)

    async def _reuse(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.client.is_connected and time.monotonic() - connection.opened < OLDEST:
                return connection
            connection.client.close()
        return None

    async def _open(self) -> _Connection:
        client = client_for(self._url, TIMEOUT)
        await client.connect()
        return _Connection(client, time.monotonic())

    async def close(self) -> None:
        for connection in self._idle:
            connection.client.close()
        self._idle.clear()


def client_for(url: SplitResult, timeout: float) -> aiosmtplib.SMTP:
    """Not connected yet; to connect does TLS and login as `url` says. `timeout`: seconds for each answer."""
    required = parse_qs(url.query).get("starttls") == ["required"]
    return aiosmtplib.SMTP(
        hostname=url.hostname,
        port=url.port,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        use_tls=url.scheme == "smtps",
        start_tls=True if required else (False if url.scheme == "smtps" else None),
        timeout=timeout,
    )


def _words(error: BaseException) -> str:
    """The server's words in one line that any reader takes: they may be in any encoding."""
    said = f"{error.code} {error.message}" if isinstance(error, SMTPResponseException) else f"{error}"
    text = said.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
    return (line if isinstance(error, SMTPResponseException) else f"{type(error).__name__}: {line}")[:500]
