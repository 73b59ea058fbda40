"""When a run is over: all is approved everywhere, and nothing is owed any more."""

import asyncio

import asyncpg

from bench import MAILS_EACH

_APPROVED = (
    "select count(*) from registrar.registrations where status = 'approved'",
    "select count(*) from portal.registrations where status = 'approved'",
    "select count(*) from approver.cases where outcome = 'approved'",
    "select count(*) from notifier.emails where kind = 'partner_approved'",
)
_KNOWN = ("select count(*) from registrar.accounts", "select count(*) from approver.accounts")
OWED = (
    "select (select count(*) from registrar.outbox) + (select count(*) from portal.outbox)"
    " + (select count(*) from approver.outbox) + (select count(*) from notifier.outbox)"
)
_SENT = "select count(*) from notifier.emails where state = 'sent'"
_SAID_SENT = "select count(*) from portal.registrations where mail_number = 1"
_FLOOR_APPROVED = (
    "select count(*) from floor.registrations where status = 'approved'",
    "select count(*) from floor.portal where status = 'approved'",
    "select count(*) from floor.cases where outcome = 'approved'",
    "select count(*) from floor.emails where kind = 'partner_approved'",
)
_NAIVE_APPROVED = (
    "select count(*) from naive_registrar.registrations where status = 'approved'",
    "select count(*) from naive_portal.registrations where status = 'approved'",
    "select count(*) from naive_approver.cases where outcome = 'approved'",
    "select count(*) from naive_notifier.emails where kind = 'partner_approved'",
)
_NAIVE_ACCOUNTS = (
    "select count(*) from naive_registrar.accounts",
    "select count(*) from naive_approver.accounts",
)
_FLOOR_SENT = "select count(*) from floor.emails where state = 'sent'"
_FLOOR_SAID_SENT = "select count(*) from floor.portal where mail_number = 1"


async def accounts_known(database_url: str, count: int) -> None:
    """To those who decide by them."""
    await _until(database_url, dict.fromkeys(_KNOWN, count))


async def settled(database_url: str, count: int, *, mailed: bool = False) -> None:
    """Of the services."""
    sent = {_SENT: MAILS_EACH * count, _SAID_SENT: count} if mailed else {}
    await _until(database_url, dict.fromkeys(_APPROVED, count) | sent | {OWED: 0})


async def floor_settled(database_url: str, count: int, *, mailed: bool = False) -> None:
    """Of the bare programs."""
    sent = {_FLOOR_SENT: MAILS_EACH * count, _FLOOR_SAID_SENT: count} if mailed else {}
    await _until(database_url, dict.fromkeys(_FLOOR_APPROVED, count) | sent)


async def naive_settled(database_url: str, count: int) -> None:
    """Of the naive programs."""
    await _until(database_url, dict.fromkeys(_NAIVE_APPROVED, count))


async def naive_accounts(database_url: str, count: int) -> None:
    """Until the naive programs know so many accounts."""
    await _until(database_url, dict.fromkeys(_NAIVE_ACCOUNTS, count))


async def _until(database_url: str, wanted: dict[str, int]) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for sql, count in wanted.items():
            while await connection.fetchval(sql) != count:  # noqa: ASYNC110  # other processes bring it about
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
