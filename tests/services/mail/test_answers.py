"""What a mail server's answers mean for the mail, the partner and the next attempt."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.notifier.domain import MailKind
from services.notifier.mail.sender import AT_ONCE, GIVE_UP_AFTER
from shared.database import Database
from shared.events import Outcome
from tests.domain.facts import (
    DAY,
    NOW,
    ONE,
    TWO,
    opened,
    registration_closed,
)
from tests.services.conftest import MovableClock, eventually, rows, told
from tests.services.mail.sending import (
    AN,
    BINH,
    FIRST_RETRY,
    PARTNER,
    hear,
    mails,
    payloads,
    sending,
    text_of,
    trouble,
    until_put_off_after,
    until_tried,
)
from tests.services.scripted_smtp import DISCONNECT, HANG, ScriptedServer


@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_recipient_refused_for_good_is_undeliverable_and_told(
    notifier: Database, server: ScriptedServer, clock: MovableClock, at: str
) -> None:
    getattr(server, f"at_{at}")[AN] = "550 no such user here"
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), bool)
        await eventually(lambda: mails(notifier), lambda found: found[-1]["state"] == "sent")
    mail, to_partner = await mails(notifier)
    assert (mail["state"], mail["detail"]) == ("failed", "550 no such user here")
    assert await told(notifier) == ["ConfirmationUndeliverable"]
    assert (await payloads(notifier))[0]["detail"] == "550 no such user here"
    assert await rows(notifier, "select status, valid_until from confirmations") == [("pending", NOW + 15 * DAY)]
    assert to_partner["kind"] == MailKind.PARTNER_UNDELIVERABLE
    [raw] = server.received[PARTNER]
    assert "550 no such user here" in text_of(raw)
    assert AN not in server.received


async def test_a_refused_mail_to_a_partner_fails_and_is_told_to_nobody(
    notifier: Database, server: ScriptedServer
) -> None:
    server.at_rcpt["staff@partner.example"] = "550 no such user here"
    await hear(notifier, registration_closed(outcome=Outcome.REFUSED))
    async with sending(notifier, server):
        await until_tried(notifier)
    assert [it["state"] for it in await mails(notifier)] == ["failed"]
    assert await told(notifier) == []


@pytest.mark.parametrize("at", ["rcpt", "data"])
async def test_a_recipient_put_off_waits_and_is_undeliverable_only_after_a_day(
    notifier: Database, server: ScriptedServer, clock: MovableClock, at: str
) -> None:
    getattr(server, f"at_{at}")[AN] = "450 mailbox busy"
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        mail = await until_tried(notifier)
        assert (mail["state"], mail["refused_since"], mail["detail"]) == ("queued", NOW, "450 mailbox busy")
        assert mail["next_attempt_at"] == NOW + FIRST_RETRY
        clock.now = NOW + GIVE_UP_AFTER - timedelta(seconds=1)
        mail = await until_put_off_after(notifier, clock)
        assert (mail["state"], mail["refused_since"], mail["attempts"]) == ("queued", NOW, 2)
        assert mail["next_attempt_at"] == clock.now + 2 * FIRST_RETRY
        assert await told(notifier) == []
        clock.now = mail["next_attempt_at"]
        await eventually(lambda: told(notifier), bool)
    assert (await mails(notifier))[0]["state"] == "failed"
    assert await told(notifier) == ["ConfirmationUndeliverable"]


async def test_a_recipient_put_off_gets_the_mail_when_its_server_takes_it(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    server.at_rcpt[AN] = "450 greylisted"
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await until_tried(notifier)
        del server.at_rcpt[AN]
        clock.now = NOW + FIRST_RETRY
        await eventually(lambda: told(notifier), bool)
    assert await told(notifier) == ["ConfirmationSent"]
    assert len(server.received[AN]) == 1


@pytest.mark.parametrize(
    "kind", ["away", "closing at RCPT", "closing at DATA", "sender refused", "no answer after DATA"]
)
async def test_what_is_the_servers_fault_waits_however_long_and_is_never_undeliverable(
    notifier: Database, server: ScriptedServer, clock: MovableClock, kind: str
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await trouble(server, kind)
    async with sending(notifier, server):
        mail = await until_tried(notifier)
        assert (mail["state"], mail["refused_since"], mail["next_attempt_at"]) == ("queued", None, NOW + FIRST_RETRY)
        for _ in range(3):
            clock.now += 2 * GIVE_UP_AFTER
            mail = await until_put_off_after(notifier, clock)
        assert (mail["state"], mail["refused_since"]) == ("queued", None)
        assert await told(notifier) == []


async def test_a_server_that_comes_back_gets_what_waited(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    server.stop()
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await until_tried(notifier)
        server.start()
        clock.now = NOW + FIRST_RETRY
        await eventually(lambda: told(notifier), bool)
    assert await told(notifier) == ["ConfirmationSent"]


async def test_while_the_server_cannot_be_reached_few_mails_try_it_and_the_others_leave_at_once_when_it_is_back(
    notifier: Database, server: ScriptedServer
) -> None:
    server.stop()
    many = [opened(uuid4(), customer_email=f"{number}@example.vn") for number in range(4 * AT_ONCE)]
    await hear(notifier, *many)
    async with sending(notifier, server):
        found = await eventually(lambda: mails(notifier), lambda them: sum(bool(it["detail"]) for it in them) > AT_ONCE)
        tried = {it["registration_id"] for it in found if it["attempts"]}
        assert len(tried) <= 2 * AT_ONCE
        server.start()
        await eventually(lambda: told(notifier), lambda events: len(events) >= len(many) - 2 * AT_ONCE)


async def test_a_connection_that_the_server_dropped_between_two_mails_costs_no_mail(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    async with sending(notifier, server):
        await hear(notifier, opened(customer_email=AN))
        await eventually(lambda: told(notifier), bool)
        server.stop()
        server.start()
        await hear(notifier, opened(TWO, customer_email=BINH))
        # Put off or marked, not only claimed: a claim would lapse as the clock moves.
        await eventually(lambda: mails(notifier), lambda found: found[1]["state"] != "queued" or found[1]["detail"])
        clock.now = NOW + FIRST_RETRY
        await eventually(lambda: told(notifier), lambda types: len(types) == 2)
    assert len(server.received[BINH]) == 1


async def test_a_mail_whose_answer_was_lost_comes_again_as_the_same_message(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    server.at_data[AN] = DISCONNECT
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await until_tried(notifier)
        del server.at_data[AN]
        clock.now = NOW + FIRST_RETRY
        await eventually(lambda: told(notifier), bool)
    first, second = server.message_ids(AN)
    assert first == second == f"<{ONE}.confirmation.1.1@vngcloud.example>"
    assert len(set(server.received[AN])) == 1  # to the byte
    assert await told(notifier) == ["ConfirmationSent"]


async def test_waits_grow_up_to_six_hours(notifier: Database, server: ScriptedServer, clock: MovableClock) -> None:
    server.at_mail = "451 not now"
    await hear(notifier, opened(customer_email=AN))
    waits = []
    async with sending(notifier, server):
        mail = await until_tried(notifier)
        for _ in range(10):
            waits.append(mail["next_attempt_at"] - clock.now)
            clock.now = mail["next_attempt_at"]
            mail = await until_put_off_after(notifier, clock)
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]


async def test_recipients_that_hang_or_are_refused_hold_up_no_other(notifier: Database, server: ScriptedServer) -> None:
    server.at_data["hangs@example.vn"] = HANG
    server.at_rcpt["refused@example.vn"] = "550 no"
    server.at_rcpt["busy@example.vn"] = "450 busy"
    bad = ["hangs@example.vn", "refused@example.vn", "busy@example.vn"]
    good = [f"k{n}@example.vn" for n in range(40)]
    everyone = [opened(UUID(int=n), customer_email=email) for n, email in enumerate([*bad, *good])]
    await hear(notifier, *everyone)
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), lambda types: types.count("ConfirmationSent") == len(good))
        [hanging, *_] = await mails(notifier)
        assert (hanging["state"], hanging["detail"]) == ("queued", None)  # still in hand
    assert all(len(server.received[email]) == 1 for email in good)


ODD = {
    "Latin-1": b"550 utilisateur inconnu: bo\xeete ferm\xe9e",
    "a control character": b"550 no \x07 such \x1b[31m user",
}


@pytest.mark.parametrize("words", ODD.values(), ids=ODD)
async def test_a_refusal_in_odd_words_is_a_refusal(notifier: Database, server: ScriptedServer, words: bytes) -> None:
    server.at_rcpt[AN] = words
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), lambda types: types == ["ConfirmationUndeliverable"])
