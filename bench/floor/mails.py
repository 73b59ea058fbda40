"""Mails of the bare programs: as large as ours, written from texts that were prepared once, on as many connections."""

import asyncio
import base64
import binascii
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import format_datetime
from urllib.parse import urlsplit
from uuid import UUID

import aiosmtplib

from bench.floor.rows import Owed
from services.notifier.domain import Confirmation, Mail, MailKind, Status
from services.notifier.links import Links
from services.notifier.mail.render import Renderer
from services.notifier.mail.sender import AT_ONCE, MARKED_WITHIN
from services.notifier.mails import TO_CUSTOMER, Matter
from shared.events import Locale
from shared.messaging.pace import Pace

VALID_FOR = timedelta(days=15)
SENDER = "registration@vngcloud.example"
_SAMPLE = UUID("11111111-2222-4333-8444-555555555555")
_EMAIL, _NAME = "sample@sample.example", "Sample name"
_PARTNER, _REQUESTER = "Saigon Cloud", "lan@saigon-cloud.example"  # as all requests of the benchmarks have them


@dataclass(frozen=True, slots=True)
class Prepared:
    """One kind of mail, as ours looks, with places for what differs from mail to mail."""

    to_customer: bool
    subject: str
    text: str
    html: str

    def written(self, it: Owed, url: str) -> tuple[str, bytes]:
        """The recipient and the message."""
        recipient = it.customer_email if self.to_customer else _REQUESTER
        values = {"id": it.registration_id, "email": it.customer_email, "name": it.common_name}
        values["link"] = f"{url}/confirmations/{token(it.registration_id)}"
        head = (
            f"From: VNG Cloud <{SENDER}>\r\nTo: {recipient}\r\nSubject: {self.subject}\r\n"
            f"Date: {format_datetime(datetime.now(UTC))}\r\n"
            f"Message-ID: <{it.registration_id}.{it.kind}.1.1@vngcloud.example>\r\nAuto-Submitted: auto-generated\r\n"
            f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="{_BOUNDARY}"\r\n\r\n'
        )
        text = base64.encodebytes((self.text % values).encode()).replace(b"\n", b"\r\n")
        html = binascii.b2a_qp((self.html % values).encode())
        return recipient, b"".join((head.encode(), _BEFORE_TEXT, text, _BEFORE_HTML, html, _END))


_BOUNDARY = "=_" + "0" * 32
_BEFORE_TEXT = (
    f'--{_BOUNDARY}\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
).encode()
_BEFORE_HTML = (
    f'\r\n--{_BOUNDARY}\r\nContent-Type: text/html; charset="utf-8"\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n"
).encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()


def token(registration_id: str) -> str:
    """Begins with the id, and is as long as ours."""
    return registration_id.ljust(70, "0")


def prepared() -> dict[str, Prepared]:
    """By kind."""
    links = Links("http://sample", ["of-a-benchmark-and-of-nothing-else"])
    renderer = Renderer(
        links,
        os.environ["MAIL_FROM"],
        portal_url=os.environ["PORTAL_URL"],
        approver_url=os.environ["APPROVER_URL"],
        review_mail_to=(),
        valid_for=VALID_FOR,
    )
    places = {links.link(_SAMPLE): "%(link)s", str(_SAMPLE): "%(id)s", _EMAIL: "%(email)s", _NAME: "%(name)s"}
    kinds = (MailKind.CONFIRMATION, MailKind.CUSTOMER_APPROVED, MailKind.PARTNER_APPROVED)
    return {str(kind): _prepared(renderer, kind, places) for kind in kinds}


def _prepared(renderer: Renderer, kind: MailKind, places: dict[str, str]) -> Prepared:
    raw = renderer.render(Mail(_SAMPLE, kind), Matter(_sample(kind)), _EMAIL, datetime.now(UTC))
    subject = raw.partition(b"Subject: ")[2].partition(b"\r\nDate: ")[0].decode()
    message = message_from_bytes(raw, policy=policy.default)
    text, html = (part.get_content().replace("%", "%%") for part in message.iter_parts())
    for sample, place in places.items():
        text, html = text.replace(sample, place), html.replace(sample, place)
    return Prepared(kind in TO_CUSTOMER, subject, *("\r\n".join(it.splitlines()) + "\r\n" for it in (text, html)))


def _sample(kind: MailKind) -> Confirmation:
    now = datetime.now(UTC)
    return Confirmation(
        registration_id=_SAMPLE,
        partner_id="sample",
        partner_name=_PARTNER,
        customer_email=_EMAIL,
        common_name=_NAME,
        role="Partner",
        locale=Locale.VI,
        requested_by=_REQUESTER,
        requester_locale=Locale.VI,
        status=Status.PENDING,
        version=1,
        period=1,
        asked_at=now,
        sent_at=None,
        valid_until=None,
        reminded=0,
        reminded_to=None,
        undeliverable=False,
        mailed=False,
        due_at=None,
        answered_at=None,
        ended_at=None,
        outcome=None if kind is MailKind.CONFIRMATION else "approved",
        reasons=(),
    )


class Sender:
    """`sent` is told what the server has accepted, many at once."""

    def __init__(self, url: str, sent: Callable[[Sequence[Owed]], Awaitable[None]]) -> None:
        self._url = url
        self._server = urlsplit(os.environ["SMTP_URL"])
        self._sent = sent
        self._prepared = prepared()
        self._waiting: asyncio.Queue[Owed] = asyncio.Queue()
        self._accepted: asyncio.Queue[Owed] = asyncio.Queue()

    def owe(self, mails: Sequence[Owed]) -> None:
        for it in mails:
            self._waiting.put_nowait(it)

    async def run(self) -> None:
        await asyncio.gather(self._mark(), *(self._send() for _ in range(AT_ONCE)))

    async def _send(self) -> None:
        client = aiosmtplib.SMTP(hostname=self._server.hostname, port=self._server.port)
        await client.connect()
        while True:
            it = await self._waiting.get()
            recipient, message = self._prepared[it.kind].written(it, self._url)
            await client.mail(SENDER)
            await client.rcpt(recipient)
            await client.data(message)
            self._accepted.put_nowait(it)

    async def _mark(self) -> None:
        pace, stopping = Pace(most_apart=MARKED_WITHIN), asyncio.Event()
        while True:
            some = [await self._accepted.get()]
            await pace.rest(stopping)
            pace.begin()
            some += [self._accepted.get_nowait() for _ in range(self._accepted.qsize())]
            await self._sent(some)
            pace.done(len(some))
