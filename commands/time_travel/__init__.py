"""`demo --days`: weeks of life in a minute. The four services run in this process on one clock, and it is moved.

Everything else is real: Kafka, PostgreSQL, mails, pages. The story says who does what on which day; what is printed is
what was sent to whom, as the mailbox got it.
"""

import asyncio
import time
from pathlib import Path

from commands.demo.machine import Room, prepared
from commands.demo.report import Report
from commands.failures import Failed
from commands.time_travel import story
from commands.time_travel.apps import Apps
from commands.time_travel.journey import Journey
from embedded import CannotRunPostgres, DownloadFailed, FolderInUse, ServerDidNotStart
from shared.observability import configure_logging


def run(folder: Path, days: int) -> int:
    """The exit status: 0 only if every registration stands as the story expects. Raises Failed."""
    report = Report(started=time.monotonic())
    folder /= "time-travel"
    try:
        with prepared(folder, report.say) as room, (folder / "services.log").open("w") as log:
            configure_logging("console", log)
            return asyncio.run(_travel(room, report, days))
    except (FolderInUse, ServerDidNotStart, DownloadFailed, CannotRunPostgres) as problem:
        raise Failed(str(problem)) from None


async def _travel(room: Room, report: Report, days: int) -> int:
    apps = Apps(room, story.START)
    async with apps.running():
        report.say("portal, registrar, notifier and approver run on one clock")
        journey = Journey(room, apps, report)
        await journey.begin()
        for day in range(days + 1):
            await journey.live(day)
        ends = await journey.ends()
    expected = story.EXPECTED if days >= story.LAST_DAY else tuple(ends)
    good = 0
    for (customer, status), wanted in zip(ends, expected, strict=False):
        as_expected = (customer, status) == wanted
        good += as_expected
        report.say(f"{customer:<32} {status}{'' if as_expected else f'; expected {wanted}'}")
    report.say(f"{good} of {len(expected)} registrations stand as the story expects after {days} days")
    return 0 if good == len(expected) == len(ends) else 1
