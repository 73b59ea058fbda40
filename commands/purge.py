"""`purge`: blanks what the four services keep about the people of registrations that were closed long ago.

A batch is one transaction, in which a registration is blanked with all that stands beside it: whoever stops the command
and runs it again goes on, and what is done is not done twice. The role that it works under may do nothing else.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import DateTime

from commands.failures import Failed
from shared.clock import Clock, system_clock
from shared.database import Database, Transaction, role_of
from shared.messaging.faults import in_words
from shared.personal import PURGE, Kind, Personal, Table
from shared.settings import Duration, PurgeSettings
from shared.topics import SERVICES

AT_ONCE = 500

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def duration_in(words: str) -> timedelta | None:
    """None where it is no duration that settings take either."""
    try:
        return _DURATION.validate_python(words)
    except ValidationError:
        return None


async def purge(
    settings: PurgeSettings, older_than: timedelta, *, dry_run: bool, clock: Clock = system_clock
) -> AsyncIterator[str]:
    """A line for each service and kind of rows. Raises Failed."""
    if older_than <= (needed := max(settings.decline_cooldown, settings.withdrawal_cooldown)):
        raise Failed(
            f"registrar needs to know for {needed.days} days who declined and who withdrew; expected --older-than "
            f"longer than DECLINE_COOLDOWN and WITHDRAWAL_COOLDOWN"
        )
    database = Database(settings.database_url.get_secret_value(), PURGE, clock, pool_size=1)
    before = clock() - older_than
    try:
        for service in SERVICES:
            personal: Personal = import_module(f"services.{service}.personal").PERSONAL
            for kind in personal:
                if dry_run:
                    yield f"{service}: {await _count(database, service, kind, before)} {kind.noun} would be blanked"
                else:
                    yield f"{service}: {await _blank_all(database, service, kind, before)} {kind.noun} blanked"
    except (DBAPIError, OSError) as error:
        raise Failed(
            f"the database did not do what was asked: {in_words(error)}; expected one that registration migrate has "
            f"made ready, and a login that may work as {role_of(PURGE)}; check DATABASE_URL, then run it again: what "
            f"is done is not done twice"
        ) from None
    finally:
        await database.close()


async def _count(database: Database, service: str, kind: Kind, before: datetime) -> int:
    table = kind.table
    async with database.transaction() as tx:
        counted = await tx.execute(
            _dated(f"select count(*) from {service}.{table.name} where {table.where}"),  # noqa: S608  # names of our own
            {"before": before},
        )
        return int(counted.scalar_one())


async def _blank_all(database: Database, service: str, kind: Kind, before: datetime) -> int:
    """Once through the table by its key: how many rows there are matters neither to memory nor to locks."""
    done = 0
    keys: list[Any] = []
    while True:
        async with database.transaction() as tx:
            keys = await _next(tx, service, kind, before, keys[-1] if keys else None)
            if not keys:
                return done
            for table in kind.beside:
                await _blank(tx, service, table, "registration_id = any(cast(:keys as uuid[]))", keys)
            these = f"{kind.key} = any(cast(:keys as {kind.key_type}[]))"
            await _blank(tx, service, replace(kind.table, where="true"), these, keys)
        done += len(keys)


async def _next(tx: Transaction, service: str, kind: Kind, before: datetime, after: Any) -> list[Any]:
    """The keys of the next rows beyond `after`, which are locked."""
    beyond = "" if after is None else f"and {kind.key} > cast(:after as {kind.key_type})"
    looking = _dated(
        f"select {kind.key} from {service}.{kind.table.name} where {kind.table.where} {beyond} "  # noqa: S608  # names of our own
        f"order by {kind.key} limit {AT_ONCE} for update"
    )
    values = {"before": before} if after is None else {"before": before, "after": after}
    return list((await tx.execute(looking, values)).scalars())


async def _blank(tx: Transaction, service: str, table: Table, these: str, keys: list[Any]) -> None:
    changes = ", ".join(f"{column} = {sql}" for column, sql in table.blanks.items())
    blanking = text(f"update {service}.{table.name} set {changes} where {these} and {table.where}")  # noqa: S608  # names of our own
    await tx.execute(blanking, {"keys": keys})


def _dated(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("before", type_=DateTime(timezone=True)))
