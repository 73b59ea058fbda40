"""Messages from templates: one text a kind and language, and the HTML made of its paragraphs: both say the same.

A template's first line is the subject. A paragraph that is an address becomes a button and a link. What people typed is
escaped in HTML, and no header takes a line break. The partner's `common_name` is never given to a customer's mail. Each
try of a mail has the same bytes, so what may change between two tries is not in it.
"""

from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.notifier.domain import Confirmation, Mail, MailKind
from services.notifier.links import Links
from services.notifier.mail.paragraphs import Paragraph, Words, marked, paragraphs, plain, quoted
from services.notifier.mail.words import BUTTONS, duration
from services.notifier.mails import TO_STAFF, Matter, Review
from shared.events import Locale
from shared.web.formats import moment

TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"

TO_CUSTOMER = frozenset(
    {
        MailKind.CONFIRMATION,
        MailKind.REMINDER,
        MailKind.CUSTOMER_APPROVED,
        MailKind.CUSTOMER_REJECTED,
        MailKind.CUSTOMER_WITHDRAWN,
    }
)
ASKING = frozenset({MailKind.CONFIRMATION, MailKind.REMINDER})
EOL = "\r\n"
LINE = "─" * 20
"""Between two languages in one text."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One message in one language."""

    locale: Locale
    subject: str
    text: str
    paragraphs: list[Paragraph]


class Renderer:
    """`mail_from` is the sender, with or without a display name; `portal_url` is linked in partners' mails,
    `approver_url` in those of staff, who are `review_mail_to`; `valid_for` is how long a confirmation link works."""

    def __init__(
        self,
        links: Links,
        mail_from: str,
        *,
        portal_url: str,
        approver_url: str,
        review_mail_to: Sequence[str],
        valid_for: timedelta,
    ) -> None:
        self._links = links
        name, self.sender = parseaddr(mail_from)
        self._from = formataddr((name or "VNG Cloud", self.sender))
        self._portal_url = portal_url
        self._approver_url = approver_url
        self._review_mail_to = review_mail_to
        self._valid_for = valid_for
        self._texts = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # noqa: S701  # plain text; the HTML around it escapes
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._texts.globals["quoted"] = quoted
        pages = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._layout = pages.get_template("layout.html")

    def recipient(self, mail: Mail, matter: Matter) -> str | None:
        """None where nobody is to read it: REVIEW_MAIL_TO may have become shorter since the mail was owed."""
        match mail.kind:
            case MailKind.REVIEW_DUE:
                readers = self._review_mail_to[mail.number - 1 : mail.number]
                return readers[0] if readers else None
            case MailKind.REVIEW_DUE_CLAIMER:
                return matter.review.claimed_by if matter.review else None
            case _:
                it = _known(matter)
                return it.customer_email if mail.kind in TO_CUSTOMER else it.requested_by

    def render(self, mail: Mail, matter: Matter, recipient: str, queued_at: datetime) -> bytes:
        """The message that `mail`, queued at `queued_at`, owes about `matter`."""
        parts = [self._part(mail, matter, locale) for locale in _locales(mail.kind, matter)]
        subject = " / ".join(part.subject for part in parts)
        text = f"{LINE}\n\n".join(f"{part.text}\n" for part in parts).rstrip("\n") + "\n"
        html = self._layout.render(subject=subject, parts=parts, preheader=_preheader(parts[0]))
        return self._assemble(mail, queued_at, recipient, subject, text, html)

    def _part(self, mail: Mail, matter: Matter, locale: Locale) -> _Part:
        values = self._values(mail, matter, locale)
        filled_in = self._texts.get_template(f"{mail.kind}.{locale}.txt").render(values)
        subject, _, text = filled_in.partition("\n")
        links = {values[name]: name for name in BUTTONS if name in values}
        written = [*values.get("reasons", ()), *filter(None, [values.get("refusal")])]
        return _Part(
            locale,
            " ".join(plain(subject).split()),
            plain(text).strip() + "\n",
            paragraphs(text, links, written, locale),
        )

    def _values(self, mail: Mail, matter: Matter, locale: Locale) -> dict[str, Any]:
        if mail.kind in TO_STAFF:
            return self._of_review(_due(matter), locale)
        it = _known(matter)
        values: dict[str, Any] = {"partner": marked(it.partner_name), "account": marked(it.customer_email)}
        if mail.kind in ASKING:
            values["link"] = self._links.link(it.registration_id)
            values["valid_for"] = duration(self._valid_for, locale)
            if mail.kind is MailKind.REMINDER and it.valid_until:
                values["valid_until"] = moment(it.valid_until, locale=locale)
        if mail.kind not in TO_CUSTOMER:
            values["common_name"] = marked(it.common_name)
            values["portal"] = f"{self._portal_url}/accounts/{it.registration_id}"
            values["outcome"], values["reasons"] = it.outcome, it.reasons
            values["refusal"] = matter.refusal
        return values

    def _of_review(self, review: Review, locale: Locale) -> dict[str, Any]:
        return {
            "partner": marked(review.partner_name),
            "account": marked(review.customer_email),
            "claimed_by": marked(review.claimed_by) if review.claimed_by else None,
            "due": moment(review.due_at, locale=locale),
            "case": f"{self._approver_url}/cases/{review.registration_id}",
        }

    def _assemble(self, mail: Mail, queued_at: datetime, recipient: str, subject: str, text: str, html: str) -> bytes:
        # Written by hand: EmailMessage would decode what looks like an encoded word in a name, line breaks included,
        # lose spaces where it folds a long one, and refuse letters beyond ASCII before an address's @. It also takes
        # several times as long as all else that a mail needs.
        identity = message_id(mail, self.sender)
        boundary = f"=_{sha256(identity.encode()).hexdigest()[:32]}"
        head = _lines(
            f"From: {self._from}",
            f"To: {recipient}",
            f"Subject: {Header(subject, 'utf-8', header_name='Subject').encode(linesep=EOL)}",
            f"Date: {format_datetime(queued_at)}",
            f"Message-ID: {identity}",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{boundary}"',
            "",
        )
        begin, end = f"--{boundary}{EOL}".encode(), f"--{boundary}--{EOL}".encode()
        return b"".join((head, begin, _body("plain", text), begin, _body("html", html), end))


def _body(subtype: str, text: str) -> bytes:
    """In seven bits, for servers without 8BITMIME."""
    head = _lines(f'Content-Type: text/{subtype}; charset="utf-8"', "Content-Transfer-Encoding: quoted-printable", "")
    return head + b2a_qp(text.replace("\n", EOL).encode(), istext=True) + EOL.encode()


def _lines(*them: str) -> bytes:
    return "".join(f"{it}{EOL}" for it in them).encode()


def _preheader(part: _Part) -> Markup:
    """What a list of mails shows beside the subject: what is said after the greeting."""
    return next(it.html for it in part.paragraphs[1:] if isinstance(it, Words))


def message_id(mail: Mail, sender: str) -> str:
    """Derived from the row, so that a message sent twice is known as the same one."""
    domain = sender.rpartition("@")[2]
    return f"<{mail.registration_id}.{mail.kind}.{mail.period}.{mail.number}@{domain}>"


def _locales(kind: MailKind, matter: Matter) -> list[Locale]:
    """Staff read both languages in one message: nobody told us theirs."""
    if kind in TO_STAFF:
        return [Locale.VI, Locale.EN]
    it = _known(matter)
    return [(it.locale if kind in TO_CUSTOMER else it.requester_locale) or Locale.VI]


def _known(matter: Matter) -> Confirmation:
    if matter.confirmation is None:
        raise LookupError("a mail is owed about a confirmation that is not there")
    return matter.confirmation


def _due(matter: Matter) -> Review:
    if matter.review is None:
        raise LookupError("a mail is owed about a review that is not there")
    return matter.review
