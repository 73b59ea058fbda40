"""Nothing is marked sent that the server has not taken, what is in doubt comes again as the same message, and nobody
waits for another's server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.notifier.mail import sender
from services.notifier.mail.sender import AT_ONCE, Sender
from services.notifier.mail.smtp import Accepted, Mailer, ServerTrouble
from shared.database import Database
from tests.domain.facts import opened
from tests.domain.notifier import POLICY
from tests.privilege.certificates import make_certificates
from tests.services.conftest import MovableClock, eventually, rows, told
from tests.services.mail.rogue import GOES_ON, Fault, rogue_server
from tests.services.mail.sending import FIRST_RETRY, PATIENCE, RENDERER, hear, sending
from tests.services.scripted_smtp import HANG, WAIT, ScriptedServer

SENDER, READER = "a@vngcloud.example", "an@example.vn"
MESSAGE = b"Message-ID: <1@vngcloud.example>\r\n\r\nhello\r\n"
SHORT = 0.6  # seconds for a message in all
RECIPIENTS = 50
TLS = frozenset({Fault.NO_STARTTLS, Fault.STARTTLS_REFUSED, Fault.UNTRUSTED})


@asynccontextmanager
async def hurried(database: Database, clock: MovableClock, url: str) -> AsyncIterator[None]:
    """A sender with little patience, and a clock that runs: what was put off comes again soon."""
    stopping = asyncio.Event()
    mailer = Mailer(url, RENDERER.sender, patience=SHORT)
    it = Sender(database, mailer, RENDERER, POLICY, FIRST_RETRY, claim_for=timedelta(hours=1))
    running = asyncio.create_task(it.run(stopping))

    async def pass_time() -> None:
        while True:
            await asyncio.sleep(0.05)
            clock.now += timedelta(minutes=1)

    passing = asyncio.create_task(pass_time())
    try:
        yield
    finally:
        passing.cancel()
        stopping.set()
        await running


async def test_whatever_a_server_does_all_mails_are_sent_and_none_is_marked_sent_that_was_not_taken(
    notifier: Database, clock: MovableClock
) -> None:
    chance = Random(6)
    dealt = 4 * [fault for fault in Fault if fault not in TLS]
    chance.shuffle(dealt)

    def next_fault() -> Fault:
        return dealt.pop() if dealt and chance.random() < 0.7 else Fault.NONE

    await hear(notifier, *(opened(UUID(int=n), customer_email=f"k{n}@example.vn") for n in range(RECIPIENTS)))
    async with rogue_server(next_fault) as rogue, hurried(notifier, clock, f"smtp://127.0.0.1:{rogue.port}"):

        async def sent() -> int:
            [[number]] = await rows(notifier, "select count(*) from emails where state = 'sent'")
            [[unaccounted]] = await rows(
                notifier,
                "select count(*) from emails where state = 'sent' and not registration_id = any("
                f"'{{{','.join(it[1:].partition('.')[0] for it in rogue.accepted)}}}'::uuid[])",
            )
            assert unaccounted == 0, "marked sent, and never taken"
            return int(number)

        await eventually(sent, lambda number: number == RECIPIENTS)
    print(f"{RECIPIENTS} mails, {rogue.accepted.total()} taken; connections: {dict(rogue.suffered)}")
    assert rogue.accepted.keys() == {f"<{UUID(int=n)}.confirmation.1.1@vngcloud.example>" for n in range(RECIPIENTS)}
    assert await told(notifier) == ["ConfirmationSent"] * RECIPIENTS
    assert dealt == [], "each fault was met"


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in TLS | GOES_ON])
async def test_a_server_that_fails_has_not_accepted_and_the_doubt_is_told_where_there_is_one(fault: Fault) -> None:
    in_doubt = {Fault.DROPPED_IN_DATA, Fault.DROPPED_BEFORE_250, Fault.TAKEN_AND_DROPPED, Fault.HANGS_AFTER_DATA}
    async with rogue_server(lambda: fault) as rogue:
        answer = await Mailer(f"smtp://127.0.0.1:{rogue.port}", SENDER, patience=SHORT).send(READER, MESSAGE)
    assert not isinstance(answer, Accepted)
    assert getattr(answer, "in_doubt", False) == (fault in in_doubt)


@pytest.mark.parametrize("fault", sorted(TLS))
async def test_where_tls_is_required_nothing_is_said_to_a_server_without_it_or_that_nobody_vouches_for(
    fault: Fault, tmp_path: Path
) -> None:
    certificate = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.load_cert_chain(make_certificates(tmp_path)[0])
    async with rogue_server(lambda: fault, certificate) as rogue:
        url = f"smtp://127.0.0.1:{rogue.port}?starttls=required"
        answer = await Mailer(url, SENDER, patience=SHORT).send(READER, MESSAGE)
    assert isinstance(answer, ServerTrouble)
    assert not answer.in_doubt
    assert (rogue.began, rogue.accepted.total()) == (0, 0)


async def test_more_recipients_that_hang_than_are_sent_at_once_hold_up_the_others_for_seconds_only(
    notifier: Database, server: ScriptedServer
) -> None:
    hanging = [f"hangs{n}@example.vn" for n in range(AT_ONCE + 4)]
    server.at_data.update(dict.fromkeys(hanging, HANG))
    good = [f"k{n}@example.vn" for n in range(20)]
    await hear(notifier, *(opened(UUID(int=n), customer_email=email) for n, email in enumerate([*hanging, *good])))
    async with sending(notifier, server), asyncio.timeout(PATIENCE / 3):
        await eventually(lambda: told(notifier), lambda types: types.count("ConfirmationSent") == len(good))
    assert all(len(server.received[email]) == 1 for email in good)


async def test_a_server_that_takes_one_connection_gets_no_second(notifier: Database, server: ScriptedServer) -> None:
    readers = [f"k{n}@example.vn" for n in range(5)]
    server.at_data.update(dict.fromkeys(readers, WAIT))
    await hear(notifier, *(opened(UUID(int=n), customer_email=email) for n, email in enumerate(readers)))

    async def answered() -> list[str]:
        server.go_on()
        return await told(notifier)

    async with sending(notifier, server, connections=1):
        await eventually(answered, lambda types: types.count("ConfirmationSent") == len(readers))
    assert server.busiest == 1


async def test_mails_that_the_server_has_hold_up_no_others_while_they_cannot_be_marked(
    notifier: Database, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SLOW", 3600.0)
    many = 2 * AT_ONCE
    await hear(notifier, *(opened(UUID(int=n), customer_email=f"k{n}@example.vn") for n in range(many)))

    async def taken() -> int:
        return sum(map(len, server.received.values()))

    async with sending(notifier, server):
        async with notifier.transaction() as tx:
            await tx.execute(text("lock table confirmations in exclusive mode"))  # which may be read, and not marked
            await eventually(taken, lambda count: count == many)
        await eventually(lambda: told(notifier), lambda types: types.count("ConfirmationSent") == many)
    assert await taken() == many


async def test_while_none_can_be_marked_no_more_are_sent_than_may_be_sent_again(
    notifier: Database, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MOST_UNMARKED", AT_ONCE)
    many = 4 * AT_ONCE
    await hear(notifier, *(opened(UUID(int=n), customer_email=f"k{n}@example.vn") for n in range(many)))
    rooms: list[int] = []
    real = Sender._claim

    async def claim(it: Sender, most: int) -> Any:
        rooms.append(most)
        return await real(it, most)

    monkeypatch.setattr(Sender, "_claim", claim)

    async def in_hand() -> tuple[int, int, bool]:
        """How many were claimed, how many of them the server has, and whether the sender looked and had no room."""
        [(claimed,)] = await rows(notifier, "select count(*) from emails where attempts > 0")
        return claimed, sum(map(len, server.received.values())), bool(rooms) and rooms[-1] <= 0

    async with sending(notifier, server):
        async with notifier.transaction() as tx:
            await tx.execute(text("lock table confirmations in exclusive mode"))
            claimed, _taken, _full = await eventually(in_hand, lambda it: it[0] == it[1] and it[2])
            assert AT_ONCE <= claimed <= 2 * AT_ONCE  # those in hand when the bound was reached are over it
        await eventually(lambda: told(notifier), lambda types: types.count("ConfirmationSent") == many)
    assert sum(map(len, server.received.values())) == many
