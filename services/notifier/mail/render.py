"""Messages from templates: one text a kind and language, and the HTML made of its paragraphs: both say the same.

A template's first line is the subject. A paragraph that is an address becomes a link. What people typed is escaped in
HTML, and no header takes a line break. The partner's `common_name` is never given to a customer's mail.
"""

from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notifier.domain import Confirmation, Mail, MailKind
from services.notifier.links import Links
from shared.events import Locale
from shared.web.formats import moment

TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"

TO_CUSTOMER = frozenset({MailKind.CONFIRMATION, MailKind.CUSTOMER_APPROVED, MailKind.CUSTOMER_REJECTED})


@dataclass(frozen=True, slots=True)
class Message:
    recipient: str
    content: bytes


class Renderer:
    """`mail_from` is the sender, with or without a display name; `portal_url` is linked in partners' mails."""

    def __init__(self, links: Links, mail_from: str, portal_url: str) -> None:
        self._links = links
        name, self.sender = parseaddr(mail_from)
        self._name = name or "VNG Cloud"
        self._portal_url = portal_url
        self._texts = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # noqa: S701  # plain text; the HTML around it escapes
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
        self._layout = pages.get_template("layout.html")

    def render(self, mail: Mail, it: Confirmation, queued_at: datetime) -> Message:
        """The message that `mail`, queued at `queued_at`, owes about confirmation `it`: the same bytes at each try."""
        to_customer = mail.kind in TO_CUSTOMER
        locale = (it.locale if to_customer else it.requester_locale) or Locale.VI
        recipient = it.customer_email if to_customer else it.requested_by
        subject, text, links = self._text(mail.kind, it, locale)
        html = self._layout.render(subject=subject, locale=locale.value, paragraphs=_paragraphs(text), links=links)
        return Message(recipient, self._assemble(mail, queued_at, recipient, subject, text, html))

    def _text(self, kind: MailKind, it: Confirmation, locale: Locale) -> tuple[str, str, set[str]]:
        values = {
            "partner": it.partner_name,
            "account": it.customer_email,
            "reasons": it.reasons,
            "outcome": it.outcome,
            "portal": f"{self._portal_url}/accounts/{it.registration_id}",
        }
        if kind is MailKind.CONFIRMATION:
            values["link"] = self._links.link(it.registration_id)
            values["valid_until"] = moment(it.valid_until, locale=locale) if it.valid_until else ""
        if kind not in TO_CUSTOMER:
            values["common_name"] = it.common_name
        written = self._texts.get_template(f"{kind}.{locale}.txt").render(values)
        subject, _, text = written.partition("\n")
        links = {str(values[name]) for name in ("link", "portal") if name in values}  # what people typed stays text
        return " ".join(subject.split()), text.strip() + "\n", links

    def _assemble(self, mail: Mail, queued_at: datetime, recipient: str, subject: str, text: str, html: str) -> bytes:
        body = EmailMessage(policy=SMTP)
        body.set_content(text)
        body.add_alternative(html, subtype="html")
        # Written by hand: EmailMessage would decode what looks like an encoded word in a name, line breaks included,
        # lose spaces where it folds a long one, and refuse letters beyond ASCII before an address's @.
        headers = {
            "From": formataddr((self._name, self.sender)),
            "To": recipient,
            "Subject": Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n"),
            "Date": format_datetime(queued_at),
            "Message-ID": message_id(mail, self.sender),
            "Auto-Submitted": "auto-generated",
        }
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + body.as_bytes()


def message_id(mail: Mail, sender: str) -> str:
    """Derived from the row, so that a message sent twice is known as the same one."""
    domain = sender.rpartition("@")[2]
    return f"<{mail.registration_id}.{mail.kind}.{mail.period}.{mail.number}@{domain}>"


def _paragraphs(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
