"""A sender that is told to stop leaves nothing behind that runs on, and no mail that does not come again."""

import asyncio

import pytest

from services.notifier import store
from services.notifier.mail import sender
from services.notifier.queue import LEASE
from shared.database import Database
from tests.domain.facts import ONE, opened
from tests.services.conftest import MovableClock, eventually, held_open
from tests.services.mail.sending import AN, hear, mails, sender_to, sending, until_sent
from tests.services.scripted_smtp import WAIT, ScriptedServer


async def test_a_mail_that_was_accepted_and_cannot_be_marked_holds_up_no_stop_and_comes_again(
    notifier: Database, server: ScriptedServer, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "GRACE", 0.1)
    others = asyncio.all_tasks()
    server.at_data[AN] = WAIT
    await hear(notifier, opened(customer_email=AN))
    stopping = asyncio.Event()
    async with held_open(notifier) as (tx, until_another_waits):
        running = asyncio.create_task(sender_to(server, notifier).run(stopping))

        async def asked() -> int:
            return len(server.asked[AN])

        await eventually(asked, bool)
        await store.lock(tx, [ONE])
        del server.at_data[AN]
        server.go_on()
        await until_another_waits()
        stopping.set()
        await running
        assert asyncio.all_tasks() - others == set(), "nothing runs on"
    assert [it["state"] for it in await mails(notifier)] == ["queued"]
    clock.now += LEASE
    async with sending(notifier, server):
        await until_sent(notifier, 1)
