"""`accounts import` and `register`: lists published as events, good rows whatever the bad ones.

A list may be longer than memory: rows are read as they are published, and of bad ones the first are kept.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from uuid_utils.compat import uuid7

from commands import csv_files
from commands.csv_files import FIRST
from commands.failures import Failed
from commands.kafka import publish
from shared.events import AccountUpdated, Event, RegistrationRequested
from shared.settings import KafkaSettings

MOST_TOLD = 100

E = TypeVar("E", bound=Event)
Progress = Callable[[int], None]
"""Hears up to which line of the file all is published."""


def _unseen(_line: int) -> None:
    """Progress that nobody watches."""


@dataclass(slots=True)
class Report(Iterator[E], Generic[E]):
    """Passes the good rows on and keeps a line for each bad one, MOST_TOLD at most. `next_line`: all before it is
    published or was bad."""

    rows: Iterator[csv_files.Row[E]]
    next_line: int
    told: list[str] = field(default_factory=list)
    published: int = 0
    bad: int = 0
    _read: int = 0

    def __next__(self) -> E:
        for row in self.rows:
            self._read = row.line
            if row.event is not None:
                return row.event
            self.bad += 1
            if self.bad <= MOST_TOLD:
                self.told.append(f"line {row.line}: {row.problem}")
        raise StopIteration

    @property
    def problems(self) -> list[str]:
        more = self.bad - len(self.told)
        return [*self.told, f"{self.bad} rows were bad, {more} more than are told here"] if more else self.told

    def acknowledged(self, count: int) -> None:
        """`count` are published: all that were passed on."""
        self.published, self.next_line = count, self._read + 1


async def import_accounts(
    settings: KafkaSettings, path: Path, from_line: int = FIRST, progress: Progress = _unseen
) -> Report[AccountUpdated]:
    """`version` and `updated_at` may be left out where this import is the topic's only source. Raises Failed."""
    now = datetime.now(UTC)
    defaults = {"version": int(now.timestamp() * 1000), "updated_at": now}
    report = Report(csv_files.read(path, AccountUpdated, defaults, from_line), from_line)
    return await _publish(settings, report, "accounts", progress)


async def register(
    settings: KafkaSettings,
    path: Path,
    partner: Mapping[str, str],
    from_line: int = FIRST,
    progress: Progress = _unseen,
) -> Report[RegistrationRequested]:
    """`partner`: partner_id, partner_name, requested_by, where the file has no such columns. Each row gets an id of its
    own unless it brings one: a file with ids can be published twice to no effect. Raises Failed."""
    defaults = {"registration_id": uuid7, "requested_at": datetime.now(UTC), **partner}
    report = Report(csv_files.read(path, RegistrationRequested, defaults, from_line), from_line)
    return await _publish(settings, report, "portal", progress)


async def _publish(settings: KafkaSettings, report: Report[E], source: str, progress: Progress) -> Report[E]:
    """Raises Failed, with the line to go on from, where it did not come to the end."""

    def acknowledged(count: int) -> None:
        report.acknowledged(count)
        progress(report.next_line - 1)

    try:
        await publish(settings, report, source, acknowledged)
    except Failed as failed:
        raise Failed(*report.problems, *failed.lines, *_the_rest(report)) from failed
    except asyncio.CancelledError:
        raise Failed(*report.problems, "interrupted", *_the_rest(report)) from None
    return report


def _the_rest(report: Report[E]) -> list[str]:
    if not report.published:
        return []
    return [f"{report.published} rows were published before that; to go on, add --from-line {report.next_line}"]
