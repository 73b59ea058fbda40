"""`migrate`: each service's schema to its newest version."""

from sqlalchemy.exc import DBAPIError

from commands.failures import Failed
from shared.database import role_of
from shared.messaging.faults import in_words
from shared.migrations import Blocked, migrate
from shared.personal import PURGE
from shared.settings import DatabaseSettings
from shared.topics import SERVICES
from shared.versions import Age, age, expected


async def migrate_all(settings: DatabaseSettings) -> list[str]:
    """A line a service. Raises Failed."""
    lines = []
    for service in SERVICES:
        try:
            before, after = await migrate(settings.database_url.get_secret_value(), service)
        except Blocked as why:
            raise Failed(f"{service}'s tables could not be migrated: {why}") from None
        except (DBAPIError, OSError) as error:
            raise Failed(
                f"{service}'s tables could not be migrated: {in_words(error)}; expected a PostgreSQL server that "
                f"answers, and a login that may create schemas and roles (or has {role_of(service)} and "
                f"{role_of(PURGE)} granted with admin option); check DATABASE_URL"
            ) from None
        lines.append(f"{service}: version {after}{_change(service, before, after)}")
    return lines


def _change(service: str, before: str | None, after: str | None) -> str:
    if age(service, after) is Age.NEWER:
        return f"; this program brings {expected(service)} and changed nothing"
    return "" if before == after else f" (was {before or 'empty'})"
