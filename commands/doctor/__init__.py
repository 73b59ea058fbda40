"""`doctor`: everything that a deployment needs, looked at from where it runs; nothing is changed and no mail is sent.

Each part is asked for LIMIT seconds at most, all at once, and told in one order. What cannot be looked at, since what
it needs is itself wrong, says so.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine

from commands.doctor import brokers, database, mail, openid, settings, traces
from commands.doctor.findings import Finding, wrong
from shared.messaging.faults import in_words
from shared.topics import SERVICES

SENDS_MAIL = {"notifier"}
SIGNS_PEOPLE_IN = {"portal", "approver"}


async def examine(service: str | None) -> AsyncIterator[Finding]:
    """Of one service, or of all four where this environment holds the settings of all."""
    services = (service,) if service else SERVICES
    for finding in settings.examine(services):
        yield finding
    parts = [_safely("Kafka", brokers.examine(service)), _safely("PostgreSQL", database.examine(services))]
    if SENDS_MAIL & set(services):
        parts.append(_safely("mail", mail.examine()))
    if SIGNS_PEOPLE_IN & set(services):
        parts.append(_safely("OpenID", openid.examine()))
    parts.append(_safely("traces", traces.examine()))
    for part in [asyncio.ensure_future(part) for part in parts]:
        for finding in await part:
            yield finding


async def _safely(what: str, examining: Coroutine[None, None, list[Finding]]) -> list[Finding]:
    """One part that breaks down keeps no other from being told."""
    try:
        return await examining
    except Exception as error:
        return [wrong(what, f"could not be examined: {in_words(error)}; expected findings; tell who maintains this")]
