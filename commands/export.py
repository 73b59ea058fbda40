"""`export`: registrations as registrar has them, as CSV, piece by piece: memory does not grow with their number."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError

from commands.failures import Failed
from services.registrar.domain import Status
from services.registrar.store import registrations
from shared.clock import system_clock
from shared.csv_text import csv_lines
from shared.database import Database
from shared.messaging.faults import in_words
from shared.settings import DatabaseSettings

AT_ONCE = 1000
COLUMNS = (
    "registration_id",
    "partner_id",
    "partner_name",
    "customer_email",
    "common_name",
    "status",
    "codes",
    "requested_at",
    "changed_at",
)

r = registrations.c


async def export(
    settings: DatabaseSettings, statuses: Sequence[Status], partner_id: str | None, since: datetime | None
) -> AsyncIterator[str]:
    """Pieces of CSV, the first with the names of the columns; rows in order of their ids, times in UTC, codes separated
    by spaces. `statuses`: all where there are none. `since`: what has changed then or later. Raises Failed."""
    wanted = _wanted(statuses, partner_id, since)
    after: UUID | None = None
    database = Database(settings.database_url.get_secret_value(), "registrar", system_clock, pool_size=1)
    yield csv_lines([COLUMNS])
    try:
        while True:
            async with database.reading() as tx:
                rows = (await tx.execute(wanted if after is None else wanted.where(r.registration_id > after))).all()
            if not rows:
                return
            yield csv_lines([_text(value) for value in row] for row in rows)
            after = rows[-1].registration_id
    except (DBAPIError, OSError) as error:
        raise Failed(
            f"the database did not answer: {in_words(error)}; expected one that registration migrate has made ready; "
            f"check DATABASE_URL; the list is not complete"
        ) from None
    finally:
        await database.close()


def _wanted(statuses: Sequence[Status], partner_id: str | None, since: datetime | None) -> Select[Any]:
    wanted = select(*(r[name] for name in COLUMNS)).order_by(r.registration_id).limit(AT_ONCE)
    if statuses:
        wanted = wanted.where(r.status.in_(statuses))
    if partner_id is not None:
        wanted = wanted.where(r.partner_id == partner_id)
    return wanted if since is None else wanted.where(r.changed_at >= since)


def _text(value: UUID | str | list[str] | datetime) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return " ".join(value) if isinstance(value, list) else str(value)
