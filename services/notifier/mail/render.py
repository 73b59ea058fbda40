"""Messages: a form of the kind and language, and the values of one mail in it, with the headers around them.

What people typed is escaped in HTML, and no header takes a line break. The partner's `common_name` is never given to a
customer's mail. Each try of a mail has the same bytes, so what may change between two tries is not in it.
"""

from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256

from markupsafe import escape

from services.notifier.domain import Confirmation, Mail, MailKind
from services.notifier.links import Links
from services.notifier.mail.forms import Forms, Shape, filled, name_in
from services.notifier.mail.paragraphs import NAMES
from services.notifier.mails import TO_CUSTOMER, TO_STAFF, Matter, Review
from shared.events import Locale
from shared.web.bidi import contained, isolated
from shared.web.formats import moment

ASKING = frozenset({MailKind.CONFIRMATION, MailKind.REMINDER})
EOL = "\r\n"
ENCODED_AT_ONCE = 39
"""Bytes of a subject in one encoded word: in base64 they stay below the 76 characters that RFC 2047 allows a line."""


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
        self._forms = Forms(valid_for)

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
        locales = _locales(mail.kind, matter)
        values = self._of_review(_due(matter)) if mail.kind in TO_STAFF else self._of_registration(mail, _known(matter))
        moments = _moments(mail.kind, matter)
        form = self._forms.of(_shape(mail.kind, matter, locales, frozenset(values.keys() | moments.keys())))
        for locale in locales:
            values |= {name_in(locale, name): moment(at, locale=locale) for name, at in moments.items()}
        said = {name: isolated(value) if name in NAMES else value for name, value in values.items()}
        subject = filled(form.subject, said)
        shown = {name: escape(contained(value)) for name, value in values.items()} | {"subject": escape(subject)}
        return self._assemble(mail, queued_at, recipient, subject, filled(form.text, said), filled(form.html, shown))

    def _of_registration(self, mail: Mail, it: Confirmation) -> dict[str, str]:
        values = {"partner": _on_one_line(it.partner_name), "account": _on_one_line(it.customer_email)}
        if mail.kind in ASKING:
            values["link"] = self._links.link(it.registration_id)
        if mail.kind not in TO_CUSTOMER:
            values["common_name"] = _on_one_line(it.common_name)
            values["portal"] = f"{self._portal_url}/accounts/{it.registration_id}"
        return values

    def _of_review(self, review: Review) -> dict[str, str]:
        values = {"partner": _on_one_line(review.partner_name), "account": _on_one_line(review.customer_email)}
        values["case"] = f"{self._approver_url}/cases/{review.registration_id}"
        if review.claimed_by:
            values["claimed_by"] = _on_one_line(review.claimed_by)
        return values

    def _assemble(self, mail: Mail, queued_at: datetime, recipient: str, subject: str, text: str, html: str) -> bytes:
        # Written by hand: EmailMessage would decode what looks like an encoded word in a name, line breaks included,
        # lose spaces where it folds a long one, and refuse letters beyond ASCII before an address's @. It also takes
        # several times as long as all else that a mail needs.
        identity = message_id(mail, self.sender)
        boundary = f"=_{sha256(identity.encode()).hexdigest()[:32]}"
        head = _lines(
            f"From: {self._from}",
            f"To: {recipient}",
            f"Subject: {f'{EOL} '.join(_encoded(subject))}",
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


def _encoded(text: str) -> Iterator[str]:
    """As encoded words (RFC 2047), none of which ends within a letter."""
    begin = size = 0
    for place, letter in enumerate(text):
        size += len(letter.encode())
        if size > ENCODED_AT_ONCE:
            yield _encoded_word(text[begin:place])
            begin, size = place, len(letter.encode())
    yield _encoded_word(text[begin:])


def _encoded_word(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


def message_id(mail: Mail, sender: str) -> str:
    """Derived from the row, so that a message sent twice is known as the same one."""
    domain = sender.rpartition("@")[2]
    return f"<{mail.registration_id}.{mail.kind}.{mail.period}.{mail.number}@{domain}>"


def _locales(kind: MailKind, matter: Matter) -> tuple[Locale, ...]:
    """Staff read both languages in one message: nobody told us theirs."""
    if kind in TO_STAFF:
        return (Locale.VI, Locale.EN)
    it = _known(matter)
    return ((it.locale if kind in TO_CUSTOMER else it.requester_locale) or Locale.VI,)


def _moments(kind: MailKind, matter: Matter) -> dict[str, datetime]:
    if kind in TO_STAFF:
        return {"due": _due(matter).due_at}
    until = _known(matter).valid_until if kind is MailKind.REMINDER else None
    return {"valid_until": until} if until else {}


def _shape(kind: MailKind, matter: Matter, locales: tuple[Locale, ...], given: frozenset[str]) -> Shape:
    if kind in TO_STAFF or kind in TO_CUSTOMER:
        return Shape(kind, locales, given)
    it = _known(matter)
    return Shape(kind, locales, given, it.outcome, it.reasons, matter.refusal)


def _on_one_line(name: str) -> str:
    return " ".join(name.split())


def _known(matter: Matter) -> Confirmation:
    if matter.confirmation is None:
        raise LookupError("a mail is owed about a confirmation that is not there")
    return matter.confirmation


def _due(matter: Matter) -> Review:
    if matter.review is None:
        raise LookupError("a mail is owed about a review that is not there")
    return matter.review
