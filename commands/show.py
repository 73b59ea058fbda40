"""`show`: a registration as registrar has it, and what happened to it."""

from uuid import UUID

from sqlalchemy.exc import DBAPIError

from commands.failures import Failed
from services.registrar import store
from shared.clock import system_clock
from shared.database import Database
from shared.messaging.faults import in_words
from shared.settings import DatabaseSettings
from shared.stores import history_of


async def show(settings: DatabaseSettings, registration_id: UUID) -> list[str]:
    """Lines for people. Raises Failed where there is no such registration, or no database."""
    database = Database(settings.database_url.get_secret_value(), "registrar", system_clock)
    try:
        async with database.transaction() as tx:
            it = await store.get(tx, registration_id)
            history = await history_of(tx, registration_id)
    except (DBAPIError, OSError) as error:
        raise Failed(
            f"the database did not answer: {in_words(error)}; expected one that registration migrate has made ready; "
            f"check DATABASE_URL"
        ) from None
    finally:
        await database.close()
    if it is None:
        raise Failed(
            f"registrar knows no registration {registration_id}; expected an id from the portal; registrar may not "
            f"have read it yet"
        )
    return [
        f"registration {it.registration_id}",
        f"  customer    {it.customer_email} ({it.common_name})",
        f"  partner     {it.partner_name} ({it.partner_id}), requested by {it.requested_by}",
        f"  status      {it.status}" + (f": {', '.join(it.codes)}" if it.codes else ""),
        "  history",
        *(
            f"    {line.at:%Y-%m-%d %H:%M:%S}Z  {line.status_from or '-'} -> {line.status_to}  {line.event}"
            f"  by {line.actor}{f'  ({line.reason})' if line.reason else ''}{f'  [{line.note}]' if line.note else ''}"
            for line in history
        ),
    ]
