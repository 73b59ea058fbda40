"""Notifier's sender at work on a real queue and a real mail server, and what is to be seen of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

from services.notifier.handlers import deadlines, handlers
from services.notifier.links import Links
from services.notifier.mail.render import Renderer
from services.notifier.mail.sender import CONNECTIONS, Sender
from services.notifier.mail.smtp import Mailer
from services.notifier.queue import LEASE
from shared.database import Database
from tests.domain.notifier import POLICY
from tests.services.conftest import MovableClock, eventually, rows
from tests.services.scripted_smtp import DISCONNECT, HANG, ScriptedServer

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


def sender_to(
    server: ScriptedServer,
    database: Database,
    by: Renderer = RENDERER,
    patience: float = PATIENCE,
    connections: int = CONNECTIONS,
) -> Sender:
    mailer = Mailer(server.url, by.sender, patience=patience)
    return Sender(database, mailer, by, POLICY, FIRST_RETRY, connections=connections)


@asynccontextmanager
async def sending(
    database: Database, server: ScriptedServer, by: Renderer = RENDERER, connections: int = CONNECTIONS
) -> AsyncIterator[None]:
    """A sender at work; at the end it has finished what it had in hand."""
    stopping = asyncio.Event()
    running = asyncio.create_task(sender_to(server, database, by, connections=connections).run(stopping))
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


async def until_put_off_after(database: Database, clock: MovableClock) -> dict[str, Any]:
    """The one mail, once it was tried at the clock's time and waits again: a claim alone moves it by the lease."""
    [it] = await eventually(
        lambda: mails(database),
        lambda found: found[0]["next_attempt_at"] > clock.now and found[0]["next_attempt_at"] != clock.now + LEASE,
    )
    return it


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


async def until_sent(database: Database, how_many: int) -> None:
    await eventually(lambda: mails(database), lambda found: sum(mail["state"] == "sent" for mail in found) == how_many)


async def until_nothing_waits(database: Database) -> None:
    await eventually(lambda: mails(database), lambda found: all(mail["state"] != "queued" for mail in found))
