"""Mails as they leave: in the reader's language, in text and HTML, with headers that nobody's name can change."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from html import unescape
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifier.domain import Confirmation, Mail, MailKind, Status
from services.notifier.links import Links
from services.notifier.mail.forms import Forms, Shape
from services.notifier.mail.render import Renderer, message_id
from services.notifier.mail.words import duration
from services.notifier.mails import TO_CUSTOMER, TO_STAFF, Matter, Review
from shared.events import Locale, Outcome
from shared.web.bidi import balanced, isolated
from tests.domain.facts import CUSTOMER, DAY, HOUR, NOW, ONE, TWO
from tests.names import HOSTILE, SIGNS, outside_isolates

LINKS = Links("https://confirm.example.vn", ["a key of thirty-two letters ....."])
READERS = ["reviews@vng.example", "hoa@vng.example"]


def renderer(mail_from: str = "VNG Cloud <registration@vngcloud.example>") -> Renderer:
    return Renderer(
        LINKS,
        mail_from,
        portal_url="https://portal.example.vn",
        approver_url="https://approver.example.vn",
        review_mail_to=READERS,
        valid_for=15 * DAY,
    )


RENDERER = renderer()
REFUSAL = "550 5.1.1 <khach@example.vn>: no such user"
LABEL = "Nhãn riêng 17"

EVERY = pytest.mark.parametrize("kind", list(MailKind))
TO_ONE = pytest.mark.parametrize("kind", [kind for kind in MailKind if kind not in TO_STAFF])
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
        "period": 1,
        "asked_at": NOW,
        "sent_at": NOW,
        "valid_until": NOW + 15 * DAY,
        "reminded": 0,
        "reminded_to": None,
        "undeliverable": False,
        "mailed": True,
        "due_at": None,
        "answered_at": None,
        "ended_at": None,
        "outcome": "refused",
        "reasons": ("conditions_not_met",),
    }
    return Confirmation(**values | changes)


@dataclass(frozen=True)
class Message:
    recipient: str
    content: bytes


def review(claimed_by: str | None = "an@vng.example", **changes: Any) -> Review:
    values: dict[str, Any] = {"partner_name": "Công ty Đối Tác", "customer_email": "khach@example.vn"}
    return Review(registration_id=ONE, claimed_by=claimed_by, due_at=NOW, **values | changes)


def write(mail: Mail, matter: Matter, by: Renderer = RENDERER) -> Message:
    recipient = by.recipient(mail, matter)
    assert recipient
    return Message(recipient, by.render(mail, matter, recipient, NOW))


def render(kind: MailKind = MailKind.CONFIRMATION, **changes: Any) -> Message:
    return write(Mail(ONE, kind), Matter(confirmation(**changes), review(), REFUSAL))


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
    assert text.startswith("Xin chào" if locale is Locale.VI or kind in TO_STAFF else "Hello")
    assert f'<html lang="{Locale.VI if kind in TO_STAFF else locale}">' in html
    assert not any(rest in text + mail["Subject"] for rest in ("{{", "{%", "None", "Undefined"))


@EVERY
@LANGUAGE
def test_text_and_html_say_the_same(kind: MailKind, locale: Locale) -> None:
    mail = read(render(kind, locale=locale, requester_locale=locale))
    html = unescape(re.sub("</?bdi>", "", part(mail, "html")))
    for line in part(mail, "plain").splitlines():
        assert line.strip("─").removeprefix("> ") in html


@TO_ONE
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
    assert shown == kind.startswith("partner_")


def test_mails_to_customers_are_those_named_so() -> None:
    to_others = {kind for kind in MailKind if kind.startswith(("partner_", "review_"))}
    assert set(MailKind) - to_others == TO_CUSTOMER


@EVERY
@LANGUAGE
def test_each_reader_gets_the_link_to_the_right_place_and_no_other(kind: MailKind, locale: Locale) -> None:
    mail = read(render(kind, locale=locale, requester_locale=locale))
    both = part(mail, "plain") + part(mail, "html")
    once = 4  # text, button, link, shown
    asks = kind in (MailKind.CONFIRMATION, MailKind.REMINDER)
    assert both.count(LINKS.link(ONE)) == (once if asks else 0)
    assert both.count(f"https://portal.example.vn/accounts/{ONE}") == (once if kind.startswith("partner_") else 0)
    assert both.count(f"https://approver.example.vn/cases/{ONE}") == (2 * once if kind in TO_STAFF else 0)


@EVERY
@LANGUAGE
def test_every_mail_names_the_account_and_partners_know_their_own_name(kind: MailKind, locale: Locale) -> None:
    text = part(read(render(kind, locale=locale, requester_locale=locale)), "plain")
    assert "khach@example.vn" in text
    assert ("Công ty Đối Tác" in text) == (not kind.startswith("partner_"))


@pytest.mark.parametrize(
    ("locale", "until"), [(Locale.VI, "16/07/2026 16:00 (GMT+7)"), (Locale.EN, "16 Jul 2026, 16:00 (GMT+7)")]
)
def test_a_reminder_says_until_when_the_link_is_valid_with_the_zone(locale: Locale, until: str) -> None:
    assert until in part(read(render(MailKind.REMINDER, locale=locale)), "plain")


@pytest.mark.parametrize(("locale", "how_long"), [(Locale.VI, "trong 15 ngày"), (Locale.EN, "for 15 days")])
def test_a_confirmation_says_how_long_it_is_valid(locale: Locale, how_long: str) -> None:
    assert how_long in part(read(render(locale=locale)), "plain")


@LANGUAGE
def test_every_try_of_a_mail_has_the_same_bytes(locale: Locale) -> None:
    """Between two tries an answer of the server may have been lost, so the period may have begun in between."""
    mail = Mail(ONE, MailKind.CONFIRMATION)
    tries = [
        write(mail, Matter(confirmation(locale=locale, valid_until=until, version=version)))
        for version, until in enumerate([None, NOW + DAY, NOW + 15 * DAY])
    ]
    assert len({message.content for message in tries}) == 1


@LANGUAGE
def test_a_resent_confirmation_reads_like_the_first(locale: Locale) -> None:
    matter = Matter(confirmation(locale=locale, period=2))
    first, second = (read(write(Mail(ONE, MailKind.CONFIRMATION, period=period), matter)) for period in (1, 2))
    assert first["Subject"] == second["Subject"]
    assert part(first, "plain") == part(second, "plain")
    assert first["Message-ID"] != second["Message-ID"]


@pytest.mark.parametrize(
    ("of", "vi", "en"),
    [
        (15 * DAY, "15 ngày", "15 days"),
        (DAY, "1 ngày", "1 day"),
        (36 * HOUR, "36 giờ", "36 hours"),
        (HOUR / 2, "30 phút", "30 minutes"),
        (timedelta(seconds=8), "8 giây", "8 seconds"),
    ],
)
def test_a_duration_reads_in_its_largest_whole_unit(of: timedelta, vi: str, en: str) -> None:
    assert (duration(of, Locale.VI), duration(of, Locale.EN)) == (vi, en)


@LANGUAGE
def test_an_undeliverable_mail_is_told_with_the_servers_words_and_what_to_do(locale: Locale) -> None:
    mail = read(render(MailKind.PARTNER_UNDELIVERABLE, requester_locale=locale))
    text = part(mail, "plain")
    assert REFUSAL in text
    assert all(word in text for word in (("rút lại", "gửi lại") if locale is Locale.VI else ("withdraw", "again")))
    assert "no such user" in part(mail, "html") and "<khach@" not in part(mail, "html")  # escaped


@pytest.mark.parametrize("kind", sorted(TO_STAFF))
def test_staff_read_a_review_that_is_due_in_both_languages_in_one_message(kind: MailKind) -> None:
    mail = read(render(kind))
    text, html = part(mail, "plain"), part(mail, "html")
    vietnamese, english = text.split("─" * 20)
    assert "hạn xét duyệt" in mail["Subject"] and "due" in mail["Subject"]
    assert vietnamese.startswith("Xin chào") and english.strip().startswith("Hello")
    for half, due in ((vietnamese, "01/07/2026 16:00 (GMT+7)"), (english, "1 Jul 2026, 16:00 (GMT+7)")):
        for fact in ("Công ty Đối Tác", "khach@example.vn", "an@vng.example", due, f"/cases/{ONE}"):
            assert fact in half
    assert '<div lang="vi"' in html and '<div lang="en"' in html


def test_a_review_that_nobody_has_claimed_says_so() -> None:
    text = part(read(write(Mail(ONE, MailKind.REVIEW_DUE), Matter(review=review(None)))), "plain")
    assert "Chưa có ai nhận" in text and "Nobody has claimed" in text


def test_reviews_go_to_their_readers_by_number_and_to_the_claimer() -> None:
    matter = Matter(review=review())
    numbers = [RENDERER.recipient(Mail(ONE, MailKind.REVIEW_DUE, number), matter) for number in (1, 2, 3)]
    assert numbers == [*READERS, None]
    assert RENDERER.recipient(Mail(ONE, MailKind.REVIEW_DUE_CLAIMER), matter) == "an@vng.example"
    assert RENDERER.recipient(Mail(ONE, MailKind.REVIEW_DUE_CLAIMER), Matter(review=review(None))) is None


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
    by = renderer(f"registration@{'abcdefghi.' * 12}vn")
    content = write(Mail(ONE, MailKind.CUSTOMER_APPROVED), Matter(confirmation()), by).content
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
    assert "<b " not in html
    assert "R&amp;D" in html


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.REJECTED])
def test_a_reason_keeps_its_lines_and_is_escaped(outcome: Outcome) -> None:
    mail = read(render(MailKind.PARTNER_CLOSED, outcome=outcome.value, reasons=("Dòng 1\n\n<script>x</script>",)))
    assert "\n> “Dòng 1\n>\n> <script>x</script>”\n" in part(mail, "plain")
    assert ">“Dòng 1<br><br>&lt;script&gt;x&lt;/script&gt;”</blockquote>" in part(mail, "html")


@EVERY
@LANGUAGE
def test_a_mail_program_needs_nothing_from_elsewhere_to_show_it(kind: MailKind, locale: Locale) -> None:
    """No remote picture tells that it was read, and it is right in light and in dark."""
    html = part(read(render(kind, locale=locale, requester_locale=locale)), "html")
    assert not re.search(r"<(img|link|script|iframe|form)|url\(|src=|@import", html)
    assert '<meta name="color-scheme" content="light dark">' in html


@EVERY
@LANGUAGE
def test_a_list_of_mails_shows_what_is_said_after_the_greeting(kind: MailKind, locale: Locale) -> None:
    mail = read(render(kind, locale=locale, requester_locale=locale))
    hidden = re.search(r'<div style="display:none[^>]*>(.*?)</div>', part(mail, "html"))
    assert hidden
    assert unescape(re.sub("</?bdi>", "", hidden[1])) == part(mail, "plain").split("\n\n")[1]


MARKS = {"a mark": "a\x02account\x03c"}
"""As our own text holds where a value goes. The contract refuses it."""


@EVERY
@pytest.mark.parametrize("name", (HOSTILE | MARKS).values(), ids=HOSTILE | MARKS)
def test_no_name_turns_or_breaks_the_words_around_it(kind: MailKind, name: str) -> None:
    names: dict[str, Any] = {"partner_name": name, "common_name": name}
    it = confirmation(**names, outcome="rejected", reasons=())
    message = write(Mail(ONE, kind), Matter(it, review(partner_name=name), REFUSAL))
    mail = read(message)
    assert header_names(message) == HEADERS
    shown = [str(mail["Subject"]), part(mail, "plain")]
    for text in shown:
        assert not SIGNS.search(outside_isolates(text))
        assert SIGNS.search(name) or name in text
    html = part(mail, "html")
    assert "<b " not in html and 'href="https://evil' not in html
    for within in re.findall("<bdi>(.*?)</bdi>", html):
        assert unescape(within) in (balanced(name), "khach@example.vn", "an@vng.example")
    assert not SIGNS.search(re.sub("<bdi>.*?</bdi>|<title>.*?</title>", "", html))


@pytest.mark.parametrize("name", ["Công ty Đối Tác", "VNG Сlоud", "🐉", "漢字"])
def test_a_name_that_turns_nothing_gets_no_sign_of_direction(name: str) -> None:
    mail = read(render(partner_name=name))
    assert not SIGNS.search(mail["Subject"] + part(mail, "plain"))


@given(st.text(st.sampled_from("ab\u2066\u2067\u2068\u2069\u202e"), max_size=12))
def test_an_isolated_name_ends_where_it_ends(name: str) -> None:
    assert outside_isolates(f"<{isolated(name)}>") == ("<>" if SIGNS.search(name) else f"<{name}>")
    assert SIGNS.sub("", balanced(name)) == SIGNS.sub("", name)


@LANGUAGE
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_end_has_words(outcome: Outcome, locale: Locale) -> None:
    mail = read(render(MailKind.PARTNER_CLOSED, outcome=outcome.value, reasons=(), requester_locale=locale))
    assert outcome.value not in part(mail, "plain").split() or locale is Locale.EN
    assert LABEL in mail["Subject"]


@LANGUAGE
@pytest.mark.parametrize(
    "code", ["not_registered", "conditions_not_met", "already_registered", "current_customer", "too_many_open",
             "declined_recently", "withdrawn_too_often"],
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
    by = renderer("registration@vngcloud.example")
    message = write(Mail(ONE, MailKind.CONFIRMATION), Matter(confirmation()), by)
    assert read(message)["From"] == "VNG Cloud <registration@vngcloud.example>"
    assert by.sender == "registration@vngcloud.example"


FORGED = "Xin lỗi.\n\nVNG Cloud has suspended your account:\n\nhttps://evil.example/sign-in\n\nVNG Cloud"


@pytest.mark.parametrize(("outcome", "code"), [("declined", "declined_recently"), ("rejected", "not_registered")])
def test_what_a_person_wrote_is_quoted_and_never_speaks_as_the_system(outcome: str, code: str) -> None:
    mail = read(render(MailKind.PARTNER_CLOSED, outcome=outcome, reasons=(FORGED, code), requester_locale=Locale.EN))
    text = part(mail, "plain")
    assert "\n\n> “Xin lỗi.\n>\n> VNG Cloud has suspended your account:\n>\n> https://evil.example/sign-in\n" in text
    assert f"\n> “{code}”\n" in text
    assert 'href="https://evil' not in part(mail, "html")


@pytest.mark.parametrize("words", [{"reasons": ("Giá cao hơn",)}, {"refusal": REFUSAL}])
def test_what_a_person_wrote_is_in_that_persons_mail_alone_and_everything_else_is_prepared_once(
    words: dict[str, Any],
) -> None:
    forms = Forms(15 * DAY)
    given = frozenset({"partner", "account", "common_name", "portal"})
    shape = Shape(MailKind.PARTNER_UNDELIVERABLE, (Locale.VI,), given)
    assert forms.of(shape) is forms.of(shape)
    written = replace(shape, **words)
    assert forms.of(written) is not forms.of(written)


def test_what_is_prepared_holds_nothing_of_anybodys() -> None:
    by = renderer()
    for kind in MailKind:
        for refusal in (None, REFUSAL):
            it = Matter(confirmation(outcome="rejected", reasons=("Giá cao hơn",)), review(), refusal)
            write(Mail(ONE, kind), it, by)
            write(Mail(ONE, kind), Matter(confirmation(outcome="expired", reasons=()), review()), by)
    kept = repr(by._forms._prepared)
    assert "Xin chào" in kept
    for ours in ("Đối Tác", CUSTOMER, LABEL, "an@vng.example", str(ONE), "Giá cao hơn", "no such user"):
        assert ours not in kept


@pytest.mark.parametrize("outcome", ["declined", "rejected", "refused"])
def test_a_mark_in_what_a_person_wrote_stands_for_nothing(outcome: str) -> None:
    written = "a\x02account\x03b\x02c"
    it = confirmation(outcome=outcome, reasons=(written,))
    mail = read(write(Mail(ONE, MailKind.PARTNER_CLOSED), Matter(it, review())))
    told = read(write(Mail(ONE, MailKind.PARTNER_UNDELIVERABLE), Matter(it, review(), written)))
    for message in (mail, told):
        assert "aaccountbc" in part(message, "plain")
        assert "aaccountbc" in part(message, "html")
