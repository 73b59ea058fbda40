"""`registration purge` in the test's own process, years after all that the test did."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import SecretStr

from commands import purge as command
from shared.settings import PurgeSettings
from tests.domain.facts import NOW

YEARS = timedelta(days=730)


def years_later() -> datetime:
    return NOW + 3 * YEARS


async def purge(url: str, *, dry_run: bool = False, clock: Callable[[], datetime] = years_later) -> list[str]:
    """The lines that it says, of registrations closed for two years."""
    settings = PurgeSettings(database_url=SecretStr(url))
    return [line async for line in command.purge(settings, YEARS, dry_run=dry_run, clock=clock)]
