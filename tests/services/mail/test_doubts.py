"""A mail of which nobody knows whether it arrived, and a withdrawal: who is told."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from services.notifier import answers, matters, store
from shared.database import Database
from shared.events import CustomerConfirmed, Outcome
from tests.domain.facts import (
    HOUR,
    ONE,
    opened,
    registration_closed,
    resend_requested,
)
from tests.services.conftest import MovableClock, eventually, held_open, rows, told
from tests.services.mail.sending import (
    AN,
    HANDLERS,
    PATIENCE,
    SHORT,
    hear,
    mails,
    sender_to,
    sending,
    trouble,
    until_nothing_waits,
)
from tests.services.scripted_smtp import WAIT, ScriptedServer

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
            assert await matters.claim(tx, 1)
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


async def test_a_claim_that_fails_is_no_attempt(notifier: Database, server: ScriptedServer) -> None:
    """Else a customer whom no mail was ever sent to would count as one who may have read it."""

    async def locale(value: str) -> None:
        async with notifier.transaction() as tx:
            await tx.execute(text(f"update confirmations set locale = {value}"))

    async def said() -> set[str]:
        return {line["event"] for line in lines}

    await hear(notifier, opened(customer_email=AN))
    await locale("'unreadable'")
    with capture_logs() as lines:
        async with sending(notifier, server):
            await eventually(said, lambda found: "mail waits" in found)
            await locale("null")
            await until_nothing_waits(notifier)
    assert "mail goes on" in await said()
    [mail] = await mails(notifier)
    assert (mail["state"], mail["attempts"]) == ("sent", 1)
