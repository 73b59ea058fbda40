"""What the demo prints: each step as it happens, then the table."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.demo.script import Row
from shared.events import Event, Quarantined

if TYPE_CHECKING:
    from commands.demo.machine import Machine

WIDTH = 150
"""Columns where no terminal says."""

_TELLING = ("customer_email", "outcome", "reasons", "approved_by", "rejected_by", "number")


@dataclass(frozen=True, slots=True)
class Result:
    """How a row ended: the status as the portal's page shows it, the reasons as the topic has them."""

    row: Row
    status: str
    reasons: str

    @property
    def good(self) -> bool:
        return (self.status, self.reasons) == (self.row.expected_status, self.row.expected_reasons)


class Report:
    def __init__(self, started: float) -> None:
        self._started = started
        self._console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)

    def say(self, line: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:6.1f} s  {escape(line)}", soft_wrap=True)

    def event(self, event: Event) -> None:
        if isinstance(event, Quarantined):
            self.say(f"quarantined  {event.service}: {event.reason}")
            return
        said = [(name, getattr(event, name, None)) for name in _TELLING]
        words = [", ".join(value) if isinstance(value, tuple) else str(value) for _name, value in said if value]
        self.say(f"topic        {event.type()}  {event.key[-12:]}  {'  '.join(words)}")

    def table(self, results: list[Result]) -> bool:
        """Prints the table. True if every row ended as expected."""
        table = Table(show_lines=False)
        for name in ("email", "common name", "status", "why", ""):
            table.add_column(name, overflow="fold")
        for result in results:
            row = result.row
            wrong = f"expected {row.expected_status} {row.expected_reasons}".strip()
            table.add_row(
                escape(row.customer_email),
                escape(row.common_name),
                result.status,
                escape(result.reasons),
                "as expected" if result.good else escape(wrong),
            )
        self._console.print(table)
        good = sum(result.good for result in results)
        self.say(f"{good} of {len(results)} rows ended as expected")
        return good == len(results)

    def memory(self, machine: "Machine") -> None:
        """Resident memory of each service, where the system tells."""
        for name, service in machine.processes.items():
            status = Path(f"/proc/{service.pid}/status")
            if status.exists():
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
                self.say(f"memory       {name}: {int(fields['VmRSS'].split()[0]) / 1024:.0f} MB resident")

    def addresses(self, machine: "Machine", environment: Path) -> None:
        openid = machine.servers.openid
        self.say("everything keeps running until Ctrl-C:")
        for name in ("portal", "approver"):
            self.say(f"  {name:<9} {machine.urls[name]}")
        self.say(f"  mailbox   {machine.servers.mailbox_url}")
        self.say(f"  settings  {environment}")
        self.say(f"  sign in as one of: {', '.join(openid.users) if openid else '-'}")
