"""What happens to a registration while its mail is under way, put off or refused."""

from shared.database import Database
from shared.events import Outcome
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
from tests.services.conftest import MovableClock, eventually, rows, told
from tests.services.mail.sending import (
    AN,
    EXPIRE_AND_REMIND,
    READERS,
    hear,
    mails,
    payloads,
    renderer,
    sending,
    text_of,
    until_sent,
)
from tests.services.scripted_smtp import WAIT, ScriptedServer


async def act(database: Database, clock: MovableClock) -> None:
    """The scheduler's turn."""
    async with database.transaction(clock.now) as tx:
        await EXPIRE_AND_REMIND.act(tx, 100, 0)


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
