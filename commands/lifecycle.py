"""The state diagrams of `docs/reference/lifecycle.md`, from the services' own tables: `make docs` writes them, a test
compares.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from services.approver.domain import TRANSITIONS as APPROVER
from services.notifier.domain import TRANSITIONS as NOTIFIER
from services.portal.domain import TRANSITIONS as PORTAL
from services.registrar.domain import TRANSITIONS as REGISTRAR

HEAD = """\
# Lifecycle

Each service has a small machine of its own. A line is a transition: the fact that causes it is its name, and what the
table allows beyond one state is decided by guards in the service's decisions. Where a state leads to itself, the fact
is kept and changes no status. What is not drawn changes nothing: it is noted in the history.

This page is written by `make docs` from the `TRANSITIONS` of each service's `domain.py`.
"""

MACHINES: Mapping[str, tuple[str, Mapping[Any, Any]]] = {
    "registrar": ("the status that partners see", REGISTRAR),
    "notifier": ("one confirmation a registration", NOTIFIER),
    "approver": ("one case a confirmed registration", APPROVER),
    "portal": ("what the portal's pages show: status only moves forward", PORTAL),
}


def page() -> str:
    """The whole page, as Markdown with Mermaid diagrams."""
    return HEAD + "".join(f"\n## {name}: {what}\n\n{_diagram(table)}" for name, (what, table) in MACHINES.items())


def _diagram(table: Mapping[Any, Any]) -> str:
    causes: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for (before, event), targets in table.items():
        for after in sorted(targets):
            causes[before or "[*]", after].append(_name(event))
    left = {before for before, after in causes if before != after}
    lines = [f"    {before} --> {after} : {', '.join(names)}" for (before, after), names in causes.items()]
    ends = [f"    {state} --> [*]" for state in dict.fromkeys(after for _, after in causes) if state not in left]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, *ends, "```", ""])


def _name(event: Any) -> str:
    return event.__name__ if isinstance(event, type) else str(event)


if __name__ == "__main__":
    sys.stdout.write(page())
