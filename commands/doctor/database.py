"""PostgreSQL: does it answer, may it be written, how are its clock and each service's tables."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

from commands.doctor import clocks
from commands.doctor.findings import Finding, loaded, ok, unseen, within_limit, wrong
from shared.clock import system_clock
from shared.database import Database, RoleRefused, role_of
from shared.messaging.faults import in_words
from shared.settings import DatabaseSettings
from shared.versions import Age, age, expected

WHAT = "PostgreSQL"
OLDEST = 160000
"""PostgreSQL's number for version 16, from which on a role may be granted as the services' roles are."""

_ABOUT = """
    select current_setting('server_version'), current_setting('server_version_num')::int,
           pg_is_in_recovery() or current_setting('transaction_read_only') = 'on', clock_timestamp()
"""


async def examine(services: Sequence[str]) -> list[Finding]:
    settings = loaded(DatabaseSettings)
    if settings is None:
        return [unseen(WHAT, "DATABASE_URL is missing or wrong")]
    url = settings.database_url.get_secret_value()
    try:
        findings = await within_limit(_server(url))
    except (OSError, TimeoutError, PostgresError, asyncpg.InterfaceError) as error:
        return [
            wrong(
                WHAT, f"does not answer: {in_words(error)}; expected a server that takes this login; check DATABASE_URL"
            ),
            *(unseen("tables", f"{service}'s: PostgreSQL does not answer") for service in services),
        ]
    return [*findings, *await asyncio.gather(*(_tables(url, service) for service in services))]


async def _server(url: str) -> list[Finding]:
    connection = await asyncpg.connect(url, timeout=5, command_timeout=5)
    try:
        asked = datetime.now(UTC)
        version, number, read_only, theirs = await connection.fetchrow(_ABOUT)
        answered = datetime.now(UTC)
    finally:
        await connection.close(timeout=2)
    return [_about(version, number, read_only=read_only), clocks.compare(WHAT, theirs, asked, answered)]


def _about(version: str, number: int, *, read_only: bool) -> Finding:
    if read_only:
        return wrong(WHAT, "is read only; expected the primary server; check DATABASE_URL")
    if number < OLDEST:
        return wrong(WHAT, f"is version {version}; expected 16 or later; upgrade it")
    return ok(WHAT, f"version {version} answers and can be written")


async def _tables(url: str, service: str) -> Finding:
    database = Database(url, service, system_clock, pool_size=1)
    try:
        found = await within_limit(database.schema_version())
    except RoleRefused:
        return wrong(
            "tables",
            f"{service}'s: the login of DATABASE_URL may not work as the role {role_of(service)}; expected it granted; "
            f"run registration migrate as this login, or grant it the role",
        )
    except (OSError, TimeoutError, DBAPIError) as error:
        return wrong("tables", f"{service}'s: {in_words(error)}; expected an answer; check PostgreSQL's log")
    finally:
        await database.close()
    return _version(service, found)


def _version(service: str, found: str | None) -> Finding:
    match age(service, found):
        case Age.NONE:
            return wrong(
                "tables", f"{service} has none; expected version {expected(service)}; run: registration migrate"
            )
        case Age.OLDER:
            return wrong(
                "tables",
                f"{service}'s are at version {found}; expected {expected(service)}; run: registration migrate",
            )
        case Age.EXPECTED:
            return ok("tables", f"{service}'s are at version {found}, as expected")
        case Age.NEWER:
            return ok(
                "tables", f"{service}'s are at version {found}; this program brings {expected(service)} and can serve"
            )
