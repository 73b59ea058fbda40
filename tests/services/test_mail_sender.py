"""From the queue to a real mail server: what its answers mean for the mail, the partner and the next attempt."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from services.notifier import answers, queue, store
from services.notifier.domain import MailKind
from services.notifier.handlers import deadlines, handlers
from services.notifier.links import Links
from services.notifier.mail import sender
from services.notifier.mail.render import Renderer
from services.notifier.mail.sender import GIVE_UP_AFTER, Sender
from services.notifier.mail.smtp import Mailer
from services.notifier.queue import LEASE
from shared.database import Database
from shared.events import CustomerConfirmed, Outcome
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    TWO,
    opened,
    registration_approved,
    registration_closed,
    resend_requested,
    review_due,
)
from tests.domain.notifier import POLICY
from tests.services.conftest import MovableClock, Open, eventually, held_open, rows, told
from tests.services.scripted_smtp import DISCONNECT, HANG, WAIT, ScriptedServer, scripted_server

READERS = ["reviews@vng.example", "hoa@vng.example"]
HANDLERS = handlers(POLICY, READERS)
[EXPIRE_AND_REMIND] = deadlines(POLICY)


def renderer(review_mail_to: list[str]) -> Renderer:
    return Renderer(
        Links("https://confirm.example.vn", ["a key of thirty-two letters ....."]),
        "a@vngcloud.example",
        portal_url="https://portal.example.vn",
        approver_url="https://approver.example.vn",
        review_mail_to=review_mail_to,
        valid_for=POLICY.valid_for,
    )


RENDERER = renderer(READERS)
FIRST_RETRY = timedelta(minutes=1)
PATIENCE = 45.0
SHORT = 3.0  # seconds: enough to reach a server's silence, and not long to wait
AN, BINH, PARTNER = "an@example.vn", "binh@example.vn", "staff@partner.example"


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is moved by hand wakes no sender."""
    monkeypatch.setattr(sender, "POLL", 0.02)


@pytest.fixture
async def notifier(open_database: Open) -> Database:
    return await open_database("notifier")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as started:
        yield started


def sender_to(
    server: ScriptedServer, database: Database, by: Renderer = RENDERER, patience: float = PATIENCE
) -> Sender:
    return Sender(database, Mailer(server.url, by.sender, patience=patience), by, POLICY, FIRST_RETRY)


@asynccontextmanager
async def sending(database: Database, server: ScriptedServer, by: Renderer = RENDERER) -> AsyncIterator[None]:
    """A sender at work; at the end it has finished what it had in hand."""
    stopping = asyncio.Event()
    running = asyncio.create_task(sender_to(server, database, by).run(stopping))
    try:
        yield
    finally:
        stopping.set()
        server.stop()  # lets go of what hangs
        await running


async def hear(database: Database, *batch: Any) -> None:
    async with database.transaction() as tx:
        await HANDLERS[type(batch[0])](list(batch), tx)


async def mails(database: Database) -> list[dict[str, Any]]:
    names = ("registration_id", "kind", "state", "attempts", "next_attempt_at", "refused_since", "sent_at", "detail")
    found = await rows(database, f"select {', '.join(names)} from emails order by id")
    return [dict(zip(names, row, strict=True)) for row in found]


async def until_tried(database: Database) -> dict[str, Any]:
    """The one mail, once it was put off or marked for the first time."""
    [it] = await eventually(
        lambda: mails(database),
        lambda found: found[0]["state"] != "queued" or found[0]["detail"] is not None,
    )
    return it


async def until_claimed(database: Database) -> None:
    """Once the sender has the mail in hand: leaving `sending` then waits until it is dealt with."""
    await eventually(lambda: mails(database), lambda found: found[0]["attempts"] > 0)


def text_of(raw: bytes) -> str:
    body = message_from_bytes(raw, policy=default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def payloads(database: Database) -> list[dict[str, Any]]:
    return [json.loads(row[0]) for row in await rows(database, "select payload from outbox order by position")]


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


async def until_put_off_after(database: Database, clock: MovableClock) -> dict[str, Any]:
    """The one mail, once it was tried at the clock's time and waits again: a claim alone moves it by the lease."""
    [it] = await eventually(
        lambda: mails(database),
        lambda found: found[0]["next_attempt_at"] > clock.now and found[0]["next_attempt_at"] != clock.now + LEASE,
    )
    return it


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


async def trouble(server: ScriptedServer, kind: str) -> None:
    match kind:
        case "away":
            server.stop()
        case "closing at RCPT":
            server.at_rcpt[AN] = "421 closing"
        case "closing at DATA":
            server.at_data[AN] = "421 closing"
        case "sender refused":
            server.at_mail = "550 we know no such sender"
        case "put off at RCPT":
            server.at_rcpt[AN] = "450 mailbox busy"
        case "dropped at RCPT":
            server.at_rcpt[AN] = DISCONNECT
        case "silent at RCPT":
            server.at_rcpt[AN] = HANG
        case "put off after DATA":
            server.at_data[AN] = "451 not now"
        case "no answer after DATA":
            server.at_data[AN] = DISCONNECT
        case "silent after DATA":
            server.at_data[AN] = HANG
        case "neither yes nor no after DATA":
            server.at_data[AN] = "252 who knows"


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


async def test_a_connection_that_the_server_dropped_between_two_mails_costs_no_mail(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    async with sending(notifier, server):
        await hear(notifier, opened(customer_email=AN))
        await eventually(lambda: told(notifier), bool)
        server.stop()
        server.start()
        await hear(notifier, opened(TWO, customer_email=BINH))
        await eventually(lambda: mails(notifier), lambda found: found[1]["attempts"] == 1)
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


async def test_an_address_with_letters_beyond_ascii_gets_its_mail(notifier: Database, server: ScriptedServer) -> None:
    await hear(notifier, opened(customer_email="khách@example.vn"))
    async with sending(notifier, server):
        await eventually(lambda: told(notifier), lambda types: types == ["ConfirmationSent"])
    assert len(server.received["khách@example.vn"]) == 1


async def act(database: Database, clock: MovableClock) -> None:
    """The scheduler's turn."""
    async with database.transaction(clock.now) as tx:
        await EXPIRE_AND_REMIND.act(tx, 100, 0)


async def until_sent(database: Database, how_many: int) -> None:
    await eventually(lambda: mails(database), lambda found: sum(mail["state"] == "sent" for mail in found) == how_many)


async def received_by(server: ScriptedServer, email: str) -> None:
    """Once the server has the message, and before it has answered."""

    async def look() -> int:
        return len(server.asked[email])

    await eventually(look, bool)


async def test_a_withdrawal_while_the_mail_is_in_flight_is_told_to_the_customer_once_the_mail_was_accepted(
    notifier: Database, server: ScriptedServer
) -> None:
    server.at_data[AN] = WAIT
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await received_by(server, AN)
        await hear(notifier, registration_closed(outcome=Outcome.WITHDRAWN, customer_email=AN))
        assert [mail["kind"] for mail in await mails(notifier)] == ["confirmation"]
        del server.at_data[AN]
        server.go_on()
        await until_sent(notifier, 2)
    assert [mail["kind"] for mail in await mails(notifier)] == ["confirmation", "customer_withdrawn"]
    assert len(server.received[AN]) == 2
    assert await told(notifier) == ["ConfirmationSent"]
    assert await rows(notifier, "select status, valid_until from confirmations") == [("void", None)]


async def test_an_older_mail_accepted_while_a_newer_one_is_owed_does_not_begin_the_newer_period(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    server.at_data[AN] = WAIT
    await hear(notifier, opened(customer_email=AN))
    clock.now = NOW + HOUR  # it waited in the queue
    async with sending(notifier, server):
        await received_by(server, AN)
        server.at_mail = "451 not now"
        await hear(notifier, resend_requested())
        del server.at_data[AN]
        server.go_on()
        await eventually(lambda: told(notifier), bool)
    assert (await payloads(notifier))[0]["number"] == 1
    state = "select period, valid_until, sent_at, mailed from confirmations"
    assert await rows(notifier, state) == [(2, None, None, True)]


async def test_an_undeliverable_mail_is_not_reminded_of_and_may_be_asked_for_again_later(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    server.at_rcpt[AN] = "550 no such user here"
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await until_sent(notifier, 1)  # to the partner
        clock.now = NOW + 14 * DAY
        await act(notifier, clock)
        del server.at_rcpt[AN]
        await hear(notifier, resend_requested(at=clock.now))
        await until_sent(notifier, 2)
        clock.now += 8 * DAY
        await act(notifier, clock)
        await until_sent(notifier, 3)
    found = [(mail["kind"], mail["state"]) for mail in await mails(notifier)]
    assert found == [
        ("confirmation", "failed"), ("partner_undeliverable", "sent"), ("confirmation", "sent"), ("reminder", "sent"),
    ]  # fmt: skip
    assert await told(notifier) == ["ConfirmationUndeliverable", "ConfirmationSent"]


async def test_after_a_mail_outage_over_both_reminders_one_mail_leaves(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await until_sent(notifier, 1)
    for clock.now in (NOW + 8 * DAY, NOW + 14 * DAY):  # and nobody sends
        await act(notifier, clock)
    server.start()
    async with sending(notifier, server):
        await eventually(lambda: mails(notifier), lambda found: all(mail["state"] != "queued" for mail in found))
    assert [(mail["state"], mail["detail"]) for mail in await mails(notifier)] == [
        ("sent", None), ("failed", "not sent: superseded by a later reminder"), ("sent", None),
    ]  # fmt: skip
    assert len(server.received[AN]) == 2


async def test_a_refused_reminder_is_just_a_failed_mail(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    async with sending(notifier, server):
        await until_sent(notifier, 1)
        server.at_rcpt[AN] = "550 mailbox full"
        clock.now = NOW + 8 * DAY
        await act(notifier, clock)
        await eventually(lambda: mails(notifier), lambda found: found[-1]["state"] == "failed")
    assert len(await mails(notifier)) == 2
    assert await told(notifier) == ["ConfirmationSent"]
    assert await rows(notifier, "select undeliverable from confirmations") == [(False,)]


async def test_a_review_that_is_due_is_told_to_its_readers_and_to_the_claimer_of_an_unknown_registration_too(
    notifier: Database, server: ScriptedServer
) -> None:
    due = review_due(claimed_by="an@vng.example")
    await hear(notifier, due, review_due(TWO, claimed_by="hoa@vng.example"), due)
    await hear(notifier, review_due(claimed_by="lan@vng.example"))
    async with sending(notifier, server):
        await until_sent(notifier, 5)
    assert {email: len(server.received[email]) for email in server.received} == {
        "reviews@vng.example": 2, "hoa@vng.example": 2, "an@vng.example": 1,
    }  # fmt: skip
    assert f"https://approver.example.vn/cases/{ONE}" in text_of(server.received["an@vng.example"][0])


async def test_a_review_that_was_decided_meanwhile_is_told_to_nobody(
    notifier: Database, server: ScriptedServer
) -> None:
    await hear(notifier, review_due())
    await hear(notifier, registration_approved())
    async with sending(notifier, server):
        await eventually(lambda: mails(notifier), lambda found: all(mail["state"] != "queued" for mail in found))
    assert not {*READERS} & {*server.received}
    assert (await mails(notifier))[0]["detail"] == "not sent: the registration was decided before"


async def test_a_review_mail_to_a_reader_who_was_taken_out_of_the_settings_is_dropped(
    notifier: Database, server: ScriptedServer
) -> None:
    await hear(notifier, review_due())
    async with sending(notifier, server, renderer(READERS[:1])):
        await eventually(lambda: mails(notifier), lambda found: all(mail["state"] != "queued" for mail in found))
    assert [(mail["state"], mail["detail"]) for mail in await mails(notifier)] == [
        ("sent", None), ("failed", "not sent: nobody is named to read it any more"),
    ]  # fmt: skip


WITHDRAWN = registration_closed(outcome=Outcome.WITHDRAWN, customer_email=AN)
KNOWN = [
    "away", "sender refused", "put off at RCPT", "dropped at RCPT", "silent at RCPT", "closing at RCPT",
    "put off after DATA", "closing at DATA",
]  # fmt: skip
IN_DOUBT = ["no answer after DATA", "silent after DATA", "neither yes nor no after DATA", "killed before the mark"]


async def tried(database: Database, server: ScriptedServer, clock: MovableClock, ending: str) -> None:
    """One attempt to send the mail ends so. Then the server is well, nobody sends, and the mail is due again."""
    if ending == "killed before the mark":
        async with database.transaction() as tx:
            assert await queue.claim(tx, 1)
    else:
        await trouble(server, ending)
        [before, *_] = await mails(database)
        stopping = asyncio.Event()
        sender = sender_to(server, database, patience=SHORT if ending.startswith("silent") else PATIENCE)
        running = asyncio.create_task(sender.run(stopping))
        await eventually(lambda: mails(database), lambda found: found[0]["attempts"] > before["attempts"])
        stopping.set()
        await running  # it ends what it has in hand
    server.get_well()
    clock.now += timedelta(minutes=5)


async def until_given_up(database: Database) -> None:
    await eventually(lambda: mails(database), lambda found: found[0]["state"] == "failed")


async def until_nothing_waits(database: Database) -> None:
    await eventually(lambda: mails(database), lambda found: all(mail["state"] != "queued" for mail in found))


async def finish(database: Database, server: ScriptedServer) -> list[tuple[str, str]]:
    """Sends until nothing waits; the kinds and states of all mails."""
    async with sending(database, server):
        await until_nothing_waits(database)
    server.get_well()
    return [(mail["kind"], mail["state"]) for mail in await mails(database)]


def told_of_withdrawal(server: ScriptedServer) -> int:
    """How often the customer got the mail that says so."""
    return server.message_ids(AN).count(f"<{ONE}.customer_withdrawn.1.1@vngcloud.example>")


@pytest.mark.parametrize(
    ("ending", "times"), [*((ending, 0) for ending in KNOWN), *((ending, 1) for ending in IN_DOUBT)]
)
async def test_a_customer_who_may_have_got_the_mail_is_told_of_the_withdrawal_once_and_no_other_is(
    notifier: Database, server: ScriptedServer, clock: MovableClock, ending: str, times: int
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, ending)
    await hear(notifier, WITHDRAWN, WITHDRAWN)
    assert await finish(notifier, server) == [("confirmation", "failed"), ("customer_withdrawn", "sent")][: 1 + times]
    await hear(notifier, WITHDRAWN)
    await finish(notifier, server)
    assert told_of_withdrawal(server) == times
    assert await told(notifier) == []
    assert await rows(notifier, "select mailed from confirmations") == [(bool(times),)]


@pytest.mark.parametrize("then", ["away", "put off at RCPT", "put off after DATA"])
async def test_a_later_try_that_is_known_not_to_have_arrived_leaves_the_doubt(
    notifier: Database, server: ScriptedServer, clock: MovableClock, then: str
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, "no answer after DATA")
    await tried(notifier, server, clock, then)
    await hear(notifier, WITHDRAWN)
    await finish(notifier, server)
    assert told_of_withdrawal(server) == 1


async def test_a_doubt_that_a_later_try_ends_is_told_once_as_sent(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, "no answer after DATA")
    await finish(notifier, server)
    await hear(notifier, WITHDRAWN)
    assert await finish(notifier, server) == [("confirmation", "sent"), ("customer_withdrawn", "sent")]
    assert await told(notifier) == ["ConfirmationSent"]
    assert told_of_withdrawal(server) == 1


@pytest.mark.parametrize("word", ["before the refusal", "after the refusal"])
@pytest.mark.parametrize(("first", "times"), [("no answer after DATA", 1), ("put off after DATA", 0)])
async def test_a_mail_refused_for_good_after_a_doubt_counts_as_gone_out(
    notifier: Database, server: ScriptedServer, clock: MovableClock, first: str, times: int, word: str
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, first)
    server.at_data[AN] = WAIT
    async with sending(notifier, server):
        await until_asked(server, 2)
        if word == "before the refusal":
            await hear(notifier, WITHDRAWN)
        del server.at_data[AN]
        server.go_on("550 no such user here")
        await until_given_up(notifier)
        if word == "after the refusal":
            await hear(notifier, WITHDRAWN)
        await until_nothing_waits(notifier)
    assert told_of_withdrawal(server) == times
    assert await told(notifier) == ([] if word == "before the refusal" else ["ConfirmationUndeliverable"])


async def until_asked(server: ScriptedServer, times: int) -> None:
    async def look() -> int:
        return len(server.asked[AN])

    await eventually(look, lambda asked: asked == times)


async def test_a_mail_in_doubt_that_a_resend_superseded_counts_as_gone_out(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, "no answer after DATA")
    clock.now += HOUR
    await hear(notifier, resend_requested())
    server.at_mail = "451 not now"
    async with sending(notifier, server):
        await until_given_up(notifier)
    server.get_well()
    await hear(notifier, WITHDRAWN)
    clock.now += HOUR
    assert await finish(notifier, server) == [
        ("confirmation", "failed"), ("confirmation", "failed"), ("customer_withdrawn", "sent"),
    ]  # fmt: skip
    assert told_of_withdrawal(server) == 1


async def test_a_withdrawal_read_while_a_mail_in_doubt_is_dropped_is_told_once(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, "no answer after DATA")
    clock.now += HOUR
    await hear(notifier, resend_requested())
    server.at_mail = "451 not now"
    async with AsyncExitStack() as at_work:
        async with held_open(notifier) as (tx, until_another_waits):
            await HANDLERS[type(WITHDRAWN)]([WITHDRAWN], tx)
            await at_work.enter_async_context(sending(notifier, server))
            await until_another_waits()
        await until_given_up(notifier)
    server.get_well()
    clock.now += HOUR
    await finish(notifier, server)
    assert told_of_withdrawal(server) == 1
    assert await rows(notifier, "select status, outcome, mailed from confirmations") == [("void", "withdrawn", True)]


async def test_an_answer_and_a_doubt_owe_one_mail_of_the_withdrawal(
    notifier: Database, server: ScriptedServer, clock: MovableClock
) -> None:
    await hear(notifier, opened(customer_email=AN))
    await tried(notifier, server, clock, "no answer after DATA")
    async with notifier.transaction() as tx:
        it = (await store.lock(tx, [ONE]))[ONE]
        event = answers.confirm(it, tx.now)
        assert isinstance(event, CustomerConfirmed)
        await store.save(tx, answers.answered(it, event, tx.now))
    await hear(notifier, WITHDRAWN)
    assert await finish(notifier, server) == [("confirmation", "failed"), ("customer_withdrawn", "sent")]
    assert told_of_withdrawal(server) == 1
