"""`accounts import` and `register`: lists published as events, good rows whatever the bad ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from uuid_utils.compat import uuid7

from commands import csv_files
from commands.kafka import publish
from shared.events import AccountUpdated, Event, RegistrationRequested
from shared.settings import KafkaSettings

E = TypeVar("E", bound=Event)


@dataclass(slots=True)
class Report(Iterator[E]):
    """Passes the good rows on and keeps a line for each bad one."""

    rows: Iterator[csv_files.Row[E]]
    problems: list[str]
    published: int = 0

    def __next__(self) -> E:
        for row in self.rows:
            if row.event is not None:
                return row.event
            self.problems.append(f"line {row.line}: {row.problem}")
        raise StopIteration


async def import_accounts(settings: KafkaSettings, path: Path) -> Report[AccountUpdated]:
    """`version` and `updated_at` may be left out where this import is the topic's only source."""
    now = datetime.now(UTC)
    defaults = {"version": int(now.timestamp() * 1000), "updated_at": now}
    return await _publish(settings, path, AccountUpdated, defaults, "accounts")


async def register(settings: KafkaSettings, path: Path, partner: Mapping[str, str]) -> Report[RegistrationRequested]:
    """`partner`: partner_id, partner_name, requested_by, where the file has no such columns. Each row gets an id of its
    own unless it brings one: a file with ids can be published twice to no effect."""
    defaults = {"registration_id": uuid7, "requested_at": datetime.now(UTC), **partner}
    return await _publish(settings, path, RegistrationRequested, defaults, "portal")


async def _publish(
    settings: KafkaSettings, path: Path, kind: type[E], defaults: Mapping[str, object], source: str
) -> Report[E]:
    report = Report(csv_files.read(path, kind, defaults), [])
    report.published = await publish(settings, report, source)
    return report
