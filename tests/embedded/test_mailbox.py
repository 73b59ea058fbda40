"""What the mailbox promises: it keeps every mail as sent, finds it, shows it, and can be away for a while."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest

from embedded.mailbox import Mailbox, mailbox

SUBJECT = "Xác nhận đối tác của bạn"
TEXT = "Chào chị Lan,\n\nMở trang này: https://confirm.example/c/abc?x=1&y=2.\n\n" + "Dòng rất dài. " * 30 + "\n"


def a_mail(to: str = "Lan@customer.example") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "no-reply@vng.example", to, SUBJECT
    message["Message-ID"] = "<1@vng.example>"
    message.set_content(TEXT, cte="quoted-printable")
    message.add_alternative("<p>Chào <b>chị Lan</b></p>", subtype="html")
    return message


async def send(box: Mailbox, message: EmailMessage) -> None:
    url = httpx.URL(box.smtp_url)
    await aiosmtplib.send(message, hostname=url.host, port=url.port, start_tls=False)


async def test_a_mail_in_vietnamese_is_found_as_it_was_sent() -> None:
    with mailbox() as box:
        waiting = asyncio.create_task(asyncio.to_thread(box.wait_for, "lan@customer.example", "Xác nhận"))
        await send(box, a_mail("other@customer.example"))
        await send(box, a_mail())
        mail = await waiting
        assert (mail.n, mail.mail_from, mail.to) == (2, "no-reply@vng.example", ("lan@customer.example",))
        assert (mail.subject, mail.text, mail.message_id) == (SUBJECT, TEXT, "<1@vng.example>")
        assert mail.html == "<p>Chào <b>chị Lan</b></p>\n"
        assert [found.n for found in box.messages(to="LAN@customer.example")] == [2]
        assert len(box.messages()) == 2


async def test_waiting_in_vain_tells_what_did_arrive() -> None:
    with mailbox() as box:
        await send(box, a_mail())
        with pytest.raises(TimeoutError, match=r"no mail to lan@customer.example .*Xác nhận"):
            box.wait_for("lan@customer.example", after=1, timeout=0.01)
        with pytest.raises(TimeoutError, match=r"the last that arrived: .*lan@customer\.example"):
            box.wait_for("minh@customer.example", timeout=0.01)


async def test_the_page_lists_mail_and_makes_links_clickable() -> None:
    with mailbox() as box:
        await send(box, a_mail())
        async with httpx.AsyncClient(base_url=box.web_url) as browser:
            assert SUBJECT in (await browser.get("/")).text
            shown = (await browser.get("/messages/1")).text
            assert '<a href="https://confirm.example/c/abc?x=1&amp;y=2">' in shown
            listed = (await browser.get("/messages.json")).json()
            assert (listed[0]["n"], listed[0]["text"], listed[0]["headers"]["to"]) == (
                1,
                TEXT,
                "Lan@customer.example",
            )
            assert (await browser.get("/messages/2")).status_code == 404


async def test_a_mailbox_that_was_away_is_back_at_the_same_address() -> None:
    with mailbox() as box:
        await send(box, a_mail())
        box.stop()
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await send(box, a_mail())
        box.start()
        await send(box, a_mail())
        assert [mail.n for mail in box.messages()] == [1, 2]


async def test_an_address_without_a_mailbox_is_refused_and_the_others_are_not() -> None:
    with mailbox() as box:
        box.unknown.add("lan@customer.example")
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused, match="550"):
            await send(box, a_mail())
        await send(box, a_mail("other@customer.example"))
        assert [mail.to for mail in box.messages()] == [("other@customer.example",)]
