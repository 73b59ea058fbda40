"""`demo`: everything for real on this machine, and about twenty customers walked through it.

It starts the servers and the four services as processes, acts only as people do (through pages and mails), and tells
only what it reads from topics, mailbox and pages. The list of customers says how each row must end.
"""

import asyncio
import signal
import time
from pathlib import Path
from shlex import quote
from types import FrameType

from commands.demo import script
from commands.demo.machine import Machine, running
from commands.demo.report import Report
from commands.demo.walk import Walk
from commands.failures import Failed
from embedded import CannotRunPostgres, DownloadFailed, FolderInUse, ServerDidNotStart

TOLD = ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC_PREFIX", "DATABASE_URL", "SMTP_URL", "OIDC_ISSUER")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(folder: Path, customers: Path | None, accounts: Path | None, *, keep: bool) -> int:
    """The exit status: 0 only if every row ended as its list expects. `keep`: everything runs on until Ctrl-C. Raises
    Failed."""
    signal.signal(signal.SIGTERM, _end)
    rows = script.read(customers or EXAMPLES / "customers.csv")
    report = Report(started=time.monotonic())
    try:
        with running(folder, report.say) as machine:
            results = asyncio.run(Walk(machine, report).through(rows, accounts or EXAMPLES / "accounts.csv"))
            good = report.table(results)
            report.memory(machine)
            if keep:
                _keep_serving(machine, report, folder / "demo" / "environment")
    except (FolderInUse, ServerDidNotStart, DownloadFailed, CannotRunPostgres) as problem:
        raise Failed(str(problem)) from None
    return 0 if good else 1


def _keep_serving(machine: Machine, report: Report, environment: Path) -> None:
    """`environment`: a file for shells, with what the command line needs to know of these servers."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is deaf to it else
    environment.touch(mode=0o600)
    lines = (f"export {name}={quote(machine.environment.get(name, ''))}" for name in TOLD)
    environment.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report.addresses(machine, environment)
    try:
        signal.pause()
    except KeyboardInterrupt:
        report.say("stopping")
    finally:
        environment.unlink()


def _end(_signal: int, _frame: FrameType | None) -> None:
    """A SIGTERM stops everything in order, as leaving the blocks does."""
    raise SystemExit(143)
