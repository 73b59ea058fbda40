"""A mail server that keeps of each message what the checker needs, and hands the whole message to who waits for it.

It is small on purpose: a campaign receives hundreds of thousands. Loopback only, in a thread of this process.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from checker import Received
from embedded.mailbox import Mail

_IDENTITY = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass
class Postbox:
    """`deliver` is called in the event loop with the customers' confirmation mails. Made by `postbox`."""

    deliver: Callable[[Mail], None]
    port: int
    received: list[Received] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _controller: Controller | None = None

    def start(self) -> None:
        if self._controller is None:
            self._controller = Controller(
                self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True, ready_timeout=30.0
            )
            self._controller.start()

    def stop(self) -> None:
        """Refuses connections until `start`."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # the name is aiosmtpd's
        """Called by aiosmtpd for each message."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        found = _IDENTITY.search(raw)
        identity = found[1].decode() if found else ""
        to = ", ".join(envelope.rcpt_tos)
        self.received.append(Received(to, identity, ""))
        if ".confirmation." in identity:
            mail = Mail(len(self.received), envelope.mail_from or "", (to,), raw, datetime.now(UTC))
            self._loop.call_soon_threadsafe(self.deliver, mail)
        return "250 kept"


@contextmanager
def postbox(deliver: Callable[[Mail], None], port: int) -> Iterator[Postbox]:
    box = Postbox(deliver, port)
    box.start()
    try:
        yield box
    finally:
        box.stop()
