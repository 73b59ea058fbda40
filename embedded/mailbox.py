"""An SMTP server that keeps what it receives and shows it on a page, for the demo and the tests.

- Loopback only, in threads of the calling process; nothing is written to disk and nothing is sent on.
- Memory is bounded: the newest KEPT messages stay, raw; they are parsed when somebody looks.
- Messages are numbered from 1 in the order of receipt; numbers are never used again.
- `stop` and `start` keep the ports and the messages: a test can take the mail server away for a while.
- `unknown` holds addresses that it refuses, as a server does that has no such mailbox.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.mailbox_page import MailboxPage
from embedded.ports import free_port

KEPT = 100_000


class Mail:
    """One received message. `to` holds the envelope's recipients, not the header's."""

    def __init__(self, n: int, mail_from: str, to: tuple[str, ...], raw: bytes, received_at: datetime) -> None:
        self.n = n
        self.mail_from = mail_from
        self.to = to
        self.raw = raw
        self.received_at = received_at

    @cached_property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "")

    @property
    def message_id(self) -> str:
        return str(self.message["message-id"] or "")

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name; of a repeated header the last."""
        return {name.lower(): str(value) for name, value in self.message.items()}

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


class Mailbox:
    """The running mail server. Made by `mailbox`."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self._kept: deque[Mail] = deque(maxlen=KEPT)
        self._received = 0
        self._arrival = threading.Condition()
        self._port = free_port()
        self._controller: Controller | None = None
        self._page = MailboxPage(self.messages)

    @property
    def smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self._port}"

    @property
    def web_url(self) -> str:
        return self._page.url

    def messages(self, to: str | None = None) -> list[Mail]:
        """What was received, oldest first; `to`: only what that address received."""
        with self._arrival:
            return [mail for mail in self._kept if to is None or to.lower() in mail.to]

    def wait_for(
        self, to: str | None = None, subject_contains: str = "", *, after: int = 0, timeout: float = 30.0
    ) -> Mail:
        """The first such message with a number above `after`. Raises TimeoutError, saying what did arrive.

        It blocks: from a coroutine call it through `asyncio.to_thread`.
        """
        deadline = time.monotonic() + timeout
        seen = after
        with self._arrival:
            while True:
                for mail in self._newer_than(seen):
                    if (to is None or to.lower() in mail.to) and subject_contains in mail.subject:
                        return mail
                seen = max(seen, self._received)
                if not self._arrival.wait(deadline - time.monotonic()):
                    break
            arrived = [(mail.n, *mail.to, mail.subject) for mail in self._kept][-20:]
        raise TimeoutError(
            f"no mail to {to or 'anybody'} with {subject_contains!r} in its subject within {timeout:g} s; "
            f"the last that arrived: {arrived or 'none'}"
        )

    def _newer_than(self, n: int) -> list[Mail]:
        newer = []
        for mail in reversed(self._kept):
            if mail.n <= n:
                break
            newer.append(mail)
        return newer[::-1]

    def start(self) -> None:
        """Accept mail (again)."""
        if self._controller is None:
            self._controller = Controller(
                self, hostname="127.0.0.1", port=self._port, enable_SMTPUTF8=True, ready_timeout=30.0
            )
            self._controller.start()

    def stop(self) -> None:
        """Refuse connections until `start`; what was received stays on the page."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def close(self) -> None:
        self.stop()
        self._page.close()

    async def handle_RCPT(  # noqa: N802  # the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Called by aiosmtpd for each recipient."""
        if address.lower() in self.unknown:
            return "550 5.1.1 there is no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 recipient is known"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # the name is aiosmtpd's
        """Called by aiosmtpd for each message."""
        raw = envelope.content
        assert isinstance(raw, bytes), "aiosmtpd decodes only when told to"
        with self._arrival:
            self._received += 1
            recipients = tuple(address.lower() for address in envelope.rcpt_tos)
            mail = Mail(self._received, envelope.mail_from or "", recipients, raw, datetime.now(UTC))
            self._kept.append(mail)
            self._arrival.notify_all()
        return f"250 kept as {mail.n}"


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A running mail server and its page, closed at the end."""
    box = Mailbox()
    try:
        box.start()
        yield box
    finally:
        box.close()
