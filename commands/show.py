"""`show`: a registration as registrar has it, and what happened to it."""

from uuid import UUID

from sqlalchemy.exc import DBAPIError

from commands.failures import Failed
from services.registrar import store
from services.registrar.domain import Registration
from shared.clock import system_clock
from shared.database import Database
from shared.history import Entry
from shared.messaging.faults import in_words
from shared.settings import DatabaseSettings
from shared.stores import history_of
from shared.topics import SERVICES


async def show(settings: DatabaseSettings, registration_id: UUID, *, all_services: bool = False) -> list[str]:
    """Lines for people: registrar's history, or that of all services in order of time. Raises Failed where there is no
    such registration, or no database."""
    try:
        it = await _registration(settings, registration_id)
        told = {
            service: await _history(settings, service, registration_id)
            for service in (SERVICES if all_services else ("registrar",))
        }
    except (DBAPIError, OSError) as error:
        raise Failed(
            f"the database did not answer: {in_words(error)}; expected one that registration migrate has made ready; "
            f"check DATABASE_URL"
        ) from None
    lines = sorted(((line.at, service, line) for service, them in told.items() for line in them), key=lambda it: it[0])
    return [*_about(it), *(_line(line, service if all_services else "") for _at, service, line in lines)]


async def _registration(settings: DatabaseSettings, registration_id: UUID) -> Registration:
    database = Database(settings.database_url.get_secret_value(), "registrar", system_clock)
    try:
        async with database.transaction() as tx:
            it = await store.get(tx, registration_id)
    finally:
        await database.close()
    if it is None:
        raise Failed(
            f"registrar knows no registration {registration_id}; expected an id from the portal; registrar may not "
            f"have read it yet"
        )
    return it


async def _history(settings: DatabaseSettings, service: str, registration_id: UUID) -> list[Entry]:
    database = Database(settings.database_url.get_secret_value(), service, system_clock)
    try:
        async with database.transaction() as tx:
            return await history_of(tx, registration_id)
    finally:
        await database.close()


def _about(it: Registration) -> list[str]:
    return [
        f"registration {it.registration_id}",
        f"  customer    {it.customer_email} ({it.common_name})",
        f"  partner     {it.partner_name} ({it.partner_id}), requested by {it.requested_by}",
        f"  status      {it.status}" + (f": {', '.join(it.codes)}" if it.codes else ""),
        "  history",
    ]


def _line(line: Entry, service: str) -> str:
    """When, from what to what, by which event, who and why; what changed nothing says so in brackets."""
    said = [
        f"    {line.at:%Y-%m-%d %H:%M:%S}Z",
        f"{service:<9}" if service else "",
        f"{line.status_from or '-'} -> {line.status_to}",
        line.event,
        f"by {line.actor}",
        f"({line.reason})" if line.reason else "",
        f"[{line.note}]" if line.note else "",
    ]
    return "  ".join(filter(None, said))
