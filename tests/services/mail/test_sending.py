"""From the queue to a real mail server: what is sent, to whom, how often."""

import asyncio
from uuid import UUID

import pytest

from services.notifier.domain import MailKind
from services.notifier.mail import sender
from services.notifier.mail.sender import AT_ONCE
from shared.database import Database
from shared.events import Outcome
from shared.messaging.pace import Pace
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    opened,
    registration_closed,
)
from tests.services.conftest import MovableClock, eventually, rows, told
from tests.services.mail.sending import AN, hear, mails, payloads, sending, until_tried
from tests.services.scripted_smtp import ScriptedServer


async def test_an_accepted_confirmation_is_sent_and_told_with_its_period_and_what_is_left(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    clock.now = NOW + HOUR  # it waited in the queue
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), bool)
    [mail] = await mails(notifier)
    assert (mail["state"], mail["attempts"], mail["sent_at"], mail["detail"]) == ("sent", 1, NOW + HOUR, None)
    assert len(server.received[AN]) == 1
    assert server.options[AN] == []
    assert await told(notifier) == ["ConfirmationSent"]
    assert await payloads(notifier) == [
        {
            "registration_id": str(ONE),
            "partner_id": "p-1",
            "number": 1,
            "sent_at": "2026-07-01T10:00:00Z",
            "valid_until": "2026-07-16T10:00:00Z",
            "resends_left": 3,
            "next_resend_at": "2026-07-01T11:00:00Z",
        }
    ]
    assert await rows(notifier, "select valid_until from confirmations") == [(NOW + HOUR + 15 * DAY,)]


async def test_a_mail_to_the_partner_is_sent_and_tells_nothing(notifier: Database, server: ScriptedServer) -> None:
    await hear(notifier, registration_closed(outcome=Outcome.REFUSED))
    async with sending(notifier, server):
        await eventually(lambda: mails(notifier), lambda found: found[0]["state"] == "sent")
    assert len(server.received["staff@partner.example"]) == 1
    assert await told(notifier) == []


async def test_a_domain_in_another_script_gets_its_mail(notifier: Database, server: ScriptedServer) -> None:
    await hear(notifier, opened(customer_email="khach@đẹp.vn"))
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), bool)
    assert len(server.received["khach@đẹp.vn"]) == 1
    assert "SMTPUTF8" in server.options["khach@đẹp.vn"]


async def test_a_confirmation_that_is_over_is_not_asked_for_any_more(
    notifier: Database, server: ScriptedServer
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await hear(notifier, registration_closed(outcome=Outcome.WITHDRAWN, customer_email=AN))
    async with sending(notifier, server):
        await until_tried(notifier)
    [mail] = await mails(notifier)
    assert (mail["kind"], mail["state"]) == (MailKind.CONFIRMATION, "failed")
    assert server.received == {}
    assert await told(notifier) == []


async def test_two_senders_send_each_mail_once(notifier: Database, server: ScriptedServer) -> None:
    recipients = [f"k{n}@example.vn" for n in range(60)]
    await hear(notifier, *(opened(UUID(int=n), customer_email=email) for n, email in enumerate(recipients)))
    async with sending(notifier, server), sending(notifier, server):
        await eventually(lambda: told(notifier), lambda types: len(types) == len(recipients))
    assert {email: len(server.received[email]) for email in recipients} == dict.fromkeys(recipients, 1)


async def test_while_mails_are_due_the_sender_neither_rests_nor_waits_for_its_next_look(
    notifier: Database, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "POLL", 3600.0)

    async def for_ever(_pace: Pace, stopping: asyncio.Event) -> None:
        await stopping.wait()

    monkeypatch.setattr(Pace, "rest", for_ever)
    many = [opened(UUID(int=n), customer_email=f"k{n}@example.vn") for n in range(4 * AT_ONCE)]
    await hear(notifier, *many)
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), lambda types: types.count("ConfirmationSent") == len(many))


async def test_an_address_with_letters_beyond_ascii_gets_its_mail(notifier: Database, server: ScriptedServer) -> None:
    await hear(notifier, opened(customer_email="khách@example.vn"))
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), lambda types: types == ["ConfirmationSent"])
    assert len(server.received["khách@example.vn"]) == 1
