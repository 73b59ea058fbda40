"""`demo`: everything for real on this machine, and about twenty customers walked through it.

It starts the servers and the four services as processes, acts only as people do (through pages and mails), and tells
only what it reads from topics, mailbox and pages. The list of customers says how each row must end.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from commands.demo import script
from commands.demo.machine import Machine, running
from commands.demo.report import Report
from commands.demo.walk import Walk
from commands.failures import Failed
from embedded import CannotRunPostgres, DownloadFailed, FolderInUse, ServerDidNotStart

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(folder: Path, customers: Path | None, accounts: Path | None) -> int:
    """The exit status: 0 only if every row ended as its list expects. Raises Failed."""
    signal.signal(signal.SIGTERM, _end)
    rows = script.read(customers or EXAMPLES / "customers.csv")
    report = Report(started=time.monotonic())
    try:
        with running(folder, report.say) as machine:
            results = asyncio.run(Walk(machine, report).through(rows, accounts or EXAMPLES / "accounts.csv"))
            good = report.table(results)
            report.memory(machine)
            if sys.stdout.isatty():
                _keep_serving(machine, report)
    except (FolderInUse, ServerDidNotStart, DownloadFailed, CannotRunPostgres) as problem:
        raise Failed(str(problem)) from None
    return 0 if good else 1


def _keep_serving(machine: Machine, report: Report) -> None:
    report.addresses(machine)
    try:
        signal.pause()
    except KeyboardInterrupt:
        report.say("stopping")


def _end(_signal: int, _frame: FrameType | None) -> None:
    """A SIGTERM stops everything in order, as leaving the blocks does."""
    raise SystemExit(143)
