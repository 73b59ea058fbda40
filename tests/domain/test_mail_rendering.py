"""Mails as they leave: in the reader's language, in text and HTML, with headers that nobody's name can change."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifier.domain import Confirmation, Mail, MailKind, Status
from services.notifier.links import Links
from services.notifier.mail.render import TO_CUSTOMER, Message, Renderer, message_id
from shared.events import Locale, Outcome
from tests.domain.facts import CUSTOMER, DAY, NOW, ONE, TWO

LINKS = Links("https://confirm.example.vn", ["a key of thirty-two letters ....."])
RENDERER = Renderer(LINKS, "VNG Cloud <registration@vngcloud.example>", "https://portal.example.vn")
LABEL = "Nhãn riêng 17"

EVERY = pytest.mark.parametrize("kind", list(MailKind))
LANGUAGE = pytest.mark.parametrize("locale", list(Locale))


def confirmation(**changes: Any) -> Confirmation:
    values: dict[str, Any] = {
        "registration_id": ONE,
        "partner_id": "p-1",
        "partner_name": "Công ty Đối Tác",
        "customer_email": "khach@example.vn",
        "common_name": LABEL,
        "role": "Partner",
        "locale": Locale.VI,
        "requested_by": "staff@partner.example",
        "requester_locale": Locale.EN,
        "status": Status.PENDING,
        "version": 1,
        "number": 1,
        "valid_until": NOW + 15 * DAY,
        "answered_at": None,
        "outcome": "refused",
        "reasons": ("conditions_not_met",),
    }
    return Confirmation(**values | changes)


def render(kind: MailKind = MailKind.CONFIRMATION, **changes: Any) -> Message:
    return RENDERER.render(Mail(ONE, kind), confirmation(**changes), NOW)


def read(message: Message) -> EmailMessage:
    """As a mail program reads it."""
    return message_from_bytes(message.content, _class=EmailMessage, policy=SMTPUTF8)


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def header_names(message: Message) -> list[str]:
    """As the most lenient server reads them: a bare CR or LF ends a line too."""
    lines = message.content.split(b"\r\n\r\n", 1)[0].splitlines()
    return [line.partition(b":")[0].decode() for line in lines if not line.startswith((b" ", b"\t"))]


HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]


@EVERY
@LANGUAGE
def test_every_mail_has_a_subject_a_text_and_an_html_part_in_both_languages(kind: MailKind, locale: Locale) -> None:
    mail = read(render(kind, locale=locale, requester_locale=locale))
    assert mail["Subject"].strip()
    assert "\n" not in mail["Subject"]
    assert mail.get_content_type() == "multipart/alternative"
    text, html = part(mail, "plain"), part(mail, "html")
    assert "VNG Cloud" in text
    assert f'<html lang="{locale}">' in html
    assert text.startswith("Xin chào" if locale is Locale.VI else "Hello")
    assert not any(rest in text + mail["Subject"] for rest in ("{{", "{%", "None", "Undefined"))


@EVERY
@LANGUAGE
def test_text_and_html_say_the_same(kind: MailKind, locale: Locale) -> None:
    mail = read(render(kind, locale=locale, requester_locale=locale))
    html = part(mail, "html").replace("&#39;", "'")
    for line in part(mail, "plain").splitlines():
        assert line in html


@EVERY
def test_a_customer_reads_the_accounts_language_and_a_partner_its_own(kind: MailKind) -> None:
    message = render(kind, locale=Locale.VI, requester_locale=Locale.EN)
    customer = kind in TO_CUSTOMER
    assert message.recipient == ("khach@example.vn" if customer else "staff@partner.example")
    assert read(message)["To"] == message.recipient
    assert part(read(message), "plain").startswith("Xin chào" if customer else "Hello")


def test_where_no_language_is_known_it_is_vietnamese() -> None:
    assert part(read(render(locale=None)), "plain").startswith("Xin chào")


@EVERY
def test_it_comes_from_our_sender_and_says_that_no_person_sent_it(kind: MailKind) -> None:
    mail = read(render(kind))
    assert mail["From"] == "VNG Cloud <registration@vngcloud.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert header_names(render(kind)) == HEADERS


@EVERY
@LANGUAGE
def test_no_customer_ever_reads_the_partners_label(kind: MailKind, locale: Locale) -> None:
    mail = read(render(kind, locale=locale, requester_locale=locale))
    shown = LABEL in mail["Subject"] + part(mail, "plain") + part(mail, "html")
    assert shown == (kind not in TO_CUSTOMER)


def test_mails_to_customers_are_those_named_so() -> None:
    assert {kind for kind in MailKind if not kind.startswith("partner_")} == TO_CUSTOMER


@EVERY
def test_only_the_confirmation_carries_the_link(kind: MailKind) -> None:
    mail = read(render(kind))
    both = part(mail, "plain") + part(mail, "html")
    assert both.count(LINKS.link(ONE)) == (3 if kind is MailKind.CONFIRMATION else 0)  # text, href, shown
    assert ("https://portal.example.vn/accounts/" in both) == (kind not in TO_CUSTOMER)


@pytest.mark.parametrize(
    ("locale", "until"), [(Locale.VI, "16/07/2026 16:00 (GMT+7)"), (Locale.EN, "16 Jul 2026, 16:00 (GMT+7)")]
)
def test_the_confirmation_says_until_when_it_is_valid_with_the_zone(locale: Locale, until: str) -> None:
    assert until in part(read(render(locale=locale)), "plain")


@EVERY
def test_a_message_id_is_the_rows_own_and_the_same_each_time(kind: MailKind) -> None:
    ids = {str(read(render(kind))["Message-ID"]).strip() for _ in range(3)}
    assert ids == {f"<{ONE}.{kind}.1.1@vngcloud.example>"}


def test_rows_that_differ_have_other_message_ids() -> None:
    rows = [
        Mail(it, kind, number, period)
        for it in (ONE, TWO)
        for kind in MailKind
        for number in (1, 2)
        for period in (1, 2)
    ]
    assert len({message_id(row, "a@b.vn") for row in rows}) == len(rows)


def test_a_long_message_id_is_not_cut_or_encoded() -> None:
    renderer = Renderer(LINKS, f"registration@{'abcdefghi.' * 12}vn", "https://portal.example.vn")
    content = renderer.render(Mail(ONE, MailKind.CUSTOMER_APPROVED), confirmation(), NOW).content
    assert f"<{ONE}.customer_approved.1.1@{'abcdefghi.' * 12}vn>\r\n".encode() in content


@EVERY
@LANGUAGE
def test_a_mail_to_a_plain_address_needs_nothing_special_of_a_server(kind: MailKind, locale: Locale) -> None:
    """Seven bits, short lines, CR LF at each end."""
    content = render(kind, locale=locale, requester_locale=locale).content
    assert content.isascii()
    lines = content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)


@pytest.mark.parametrize(
    ("field", "kind"), [("partner_name", MailKind.CONFIRMATION), ("common_name", MailKind.PARTNER_APPROVED)]
)
def test_what_people_typed_is_escaped_in_html_and_not_in_text(field: str, kind: MailKind) -> None:
    typed = "<b onclick=\"x()\">R&D</b> 'Anh'"
    mail = read(render(kind, **{field: typed}))
    assert typed in part(mail, "plain")
    assert typed in mail["Subject"]
    html = part(mail, "html")
    assert "<b" not in html.split("<body", 1)[1].removeprefix("ody")
    assert "R&amp;D" in html


def test_a_reason_of_several_lines_is_escaped_too() -> None:
    html = part(read(render(MailKind.PARTNER_CLOSED, reasons=("Dòng 1\n\n<script>x</script>",))), "html")
    assert "<script" not in html
    assert "Dòng 1" in html


@LANGUAGE
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_end_has_words(outcome: Outcome, locale: Locale) -> None:
    mail = read(render(MailKind.PARTNER_CLOSED, outcome=outcome.value, reasons=(), requester_locale=locale))
    assert outcome.value not in part(mail, "plain").split() or locale is Locale.EN
    assert LABEL in mail["Subject"]


@LANGUAGE
@pytest.mark.parametrize(
    "code", ["not_registered", "conditions_not_met", "already_registered", "current_customer", "too_many_open",
             "declined_recently"],
)  # fmt: skip
def test_every_code_that_partners_may_read_has_words(code: str, locale: Locale) -> None:
    text = part(read(render(MailKind.PARTNER_CLOSED, reasons=(code,), requester_locale=locale)), "plain")
    assert code not in text


def test_the_reason_that_a_person_gave_is_told_as_it_is() -> None:
    assert "Hồ sơ thiếu" in part(
        read(render(MailKind.PARTNER_CLOSED, outcome="rejected", reasons=("Hồ sơ thiếu",))), "plain"
    )


def test_a_rejected_customer_reads_no_reason() -> None:
    mail = read(render(MailKind.CUSTOMER_REJECTED, outcome="rejected", reasons=("Nội bộ: nợ xấu",)))
    assert "nợ xấu" not in part(mail, "plain") + part(mail, "html")


BREAKS = [
    "a\r\nBcc: evil@example.com",
    "a\nBcc: evil@example.com",
    "a\rBcc: e@x.vn",
    "a\u2028Bcc: e@x.vn",
    "a\x85Bcc: e@x.vn",
]


@pytest.mark.parametrize("name", BREAKS)
def test_a_name_with_a_line_break_adds_no_header(name: str) -> None:
    """The contract refuses such a name; the mail must hold without it."""
    assert header_names(render(partner_name=name)) == HEADERS


@pytest.mark.parametrize(
    "name", ["=?utf-8?q?a=0D=0ABcc:_evil@example.com?=", "=?utf-8?q?a=0ABcc:_evil@example.com?=",
             "=?utf-8?b?YQ0KQmNjOiBldmlsQGV4YW1wbGUuY29t?="],
)  # fmt: skip
def test_a_name_that_hides_a_line_break_in_an_encoded_word_adds_no_header(name: str) -> None:
    """The contract accepts such a name: it is printable letters."""
    assert header_names(render(partner_name=name)) == HEADERS


def test_a_name_that_looks_like_an_encoded_word_stays_as_typed() -> None:
    assert "=?utf-8?q?VNG?=" in read(render(partner_name="=?utf-8?q?VNG?="))["Subject"]


WORDS = [
    "Công",
    "ty",
    "TNHH",
    "Đầu",
    "tư",
    "và",
    "Phát",
    "triển",
    "công",
    "nghệ",
    "Việt-Nam",
    "=?utf-8?q?x?=",
    "R&D,",
    "2026",
    '"A"',
    "<b@c.vn>",
    "(d);",
    "e:",
    "漢字",
]
LONG = " ".join(["Công ty TNHH Đầu tư và Phát triển công nghệ"] * 4)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=35).map(" ".join).filter(lambda name: len(name) <= 200))
@example(LONG)
def test_any_name_reads_back_from_the_subject_as_it_was(name: str) -> None:
    mail = read(render(partner_name=name, locale=Locale.EN))
    assert mail["Subject"] == f"{name} asks to manage your VNG Cloud account"


def test_an_address_in_another_domain_script_is_written_as_it_is() -> None:
    message = render(customer_email="khach@đẹp.vn")
    assert message.recipient == "khach@đẹp.vn"
    assert read(message)["To"] == "khach@đẹp.vn"


def test_an_address_with_letters_beyond_ascii_gets_its_mail() -> None:
    assert read(render(customer_email=CUSTOMER))["To"] == CUSTOMER


def test_a_sender_without_a_display_name_is_vng_cloud() -> None:
    renderer = Renderer(LINKS, "registration@vngcloud.example", "https://portal.example.vn")
    message = renderer.render(Mail(ONE, MailKind.CONFIRMATION), confirmation(), NOW)
    assert read(message)["From"] == "VNG Cloud <registration@vngcloud.example>"
    assert renderer.sender == "registration@vngcloud.example"
