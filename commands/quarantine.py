"""`quarantine`: what a service could not accept, listed, shown, replayed and discarded.

Each record is a transaction of its own, so one that fails holds up no other.
"""

import getpass
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import assert_never

from pydantic import TypeAdapter, ValidationError

from commands.failures import Failed
from commands.quarantine_lines import about, line, who_and_when
from commands.serve import SETTINGS, create
from shared.clock import system_clock
from shared.database import Database, RoleRefused
from shared.events import Reason
from shared.messaging import settling
from shared.messaging.faults import PASSING, in_words
from shared.messaging.readable import one_line
from shared.messaging.settling import Discarded, FailedAgain, Replayed, SettledBefore, Which
from shared.settings import DatabaseSettings, load

AT_ONCE = 500

_REASON: TypeAdapter[str] = TypeAdapter(Reason)

Outcome = Replayed | Discarded | FailedAgain | SettledBefore | None


def login() -> str:
    """Who acts where nobody is named."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"unknown@{socket.gethostname()}"


def reason_in(text: str) -> str | None:
    """None where it is no reason that can be kept."""
    try:
        return _REASON.validate_python(text)
    except ValidationError:
        return None


async def list_records(service: str, *, settled_too: bool) -> AsyncIterator[str]:
    """A line a record, oldest first, beginning with its number. Raises Failed."""
    look = settling.every if settled_too else settling.waiting
    after = 0
    async with _database(service) as database:
        while True:
            async with database.transaction() as tx:
                found = await look(tx, AT_ONCE, after)
            for it in found:
                yield line(it)
            if len(found) < AT_ONCE:
                return
            after = found[-1].id


async def show(service: str, which: Sequence[Which]) -> AsyncIterator[str]:
    """Lines about each record. Raises Failed with a line for each that is not there."""
    missing = []
    async with _database(service) as database:
        for it in which:
            async with database.transaction() as tx:
                kept = await settling.get(tx, it)
            if kept is None:
                missing.append(_missing(service, it))
                continue
            for said in about(kept):
                yield said
    if missing:
        raise Failed(*missing)


async def replay(service: str, which: Sequence[Which] | None, by: str) -> AsyncIterator[str]:
    """`which`: None for all that wait now. Raises Failed with a line for each that was not replayed."""
    problems = []
    app = create(service, load(SETTINGS[service]))
    try:
        async with _told_plainly():
            inbox, database = app.consumer.inbox, app.database
            async for it in _each(database, which):
                outcome = await settling.replay(database, inbox, it, by)
                if said := _said(outcome):
                    yield said
                else:
                    problems.append(_problem(service, it, outcome))
    finally:
        await app.database.close()
    if problems:
        raise Failed(*problems)


async def discard(service: str, which: Sequence[Which], by: str, reason: str) -> AsyncIterator[str]:
    """Raises Failed with a line for each that was not discarded."""
    problems = []
    async with _database(service) as database:
        for it in which:
            outcome = await settling.discard(database, it, by, reason)
            if isinstance(outcome, Discarded):
                yield f"{outcome.entry.id}  discarded"
            else:
                problems.append(_problem(service, it, outcome))
    if problems:
        raise Failed(*problems)


async def _each(database: Database, which: Sequence[Which] | None) -> AsyncIterator[Which]:
    """Those named, or all that wait, oldest first; one that fails again is passed once."""
    if which is not None:
        for it in which:
            yield it
        return
    after = 0
    while True:
        async with database.transaction() as tx:
            found = await settling.waiting(tx, AT_ONCE, after)
        for entry in found:
            yield entry.id
        if len(found) < AT_ONCE:
            return
        after = found[-1].id


def _said(outcome: Outcome) -> str | None:
    """What is well: replayed now, or before."""
    match outcome:
        case Replayed(entry):
            return f"{entry.id}  replayed"
        case SettledBefore(entry) if entry.state == "replayed":
            return f"{entry.id}  was replayed before, {who_and_when(entry)}; nothing was changed"
        case _:
            return None


def _problem(service: str, it: Which, outcome: Outcome) -> str:
    match outcome:
        case None:
            return _missing(service, it)
        case FailedAgain(entry, why):
            return f"{entry.id} failed again and stays in quarantine: {one_line(why)}"
        case SettledBefore(entry):
            said = f"{entry.id} was {entry.state} before, {who_and_when(entry)}"
            return f"{said}: {one_line(entry.remark)}; nothing was changed" if entry.remark else said
        case Replayed() | Discarded():
            raise AssertionError(outcome)
        case _:
            assert_never(outcome)


def _missing(service: str, it: Which) -> str:
    return f"{service} has no quarantined record {it}; expected one of: registration quarantine list {service} --all"


@asynccontextmanager
async def _database(service: str) -> AsyncIterator[Database]:
    database = Database(load(DatabaseSettings).database_url.get_secret_value(), service, system_clock, pool_size=2)
    try:
        async with _told_plainly():
            yield database
    finally:
        await database.close()


@asynccontextmanager
async def _told_plainly() -> AsyncIterator[None]:
    try:
        yield
    except (*PASSING, RoleRefused) as error:
        raise Failed(
            f"the database did not do what was asked: {in_words(error)}; expected one that registration migrate has "
            f"made ready; check DATABASE_URL, then try again: what is done is not done twice"
        ) from None
