"""Settings, as each service reads them at its start."""

from collections.abc import Sequence

from commands.doctor.findings import Finding, ok, wrong
from commands.serve import SETTINGS
from shared.settings import ApproverSettings, RegistrarSettings, SettingsError, load

WHAT = "settings"


def examine(services: Sequence[str]) -> list[Finding]:
    """A line for each setting that is wrong, however many services need it."""
    problems: dict[str, list[str]] = {}
    for service in services:
        try:
            load(SETTINGS[service])
        except SettingsError as refused:
            for line in refused.lines:
                problems.setdefault(line, []).append(service)
    if problems:
        return [wrong(WHAT, f"{line} (needed by {', '.join(needing)})") for line, needing in problems.items()]
    return [ok(WHAT, f"complete and right for {', '.join(services)}{_shared(services)}")]


def _shared(services: Sequence[str]) -> str:
    """Registrar and approver decide by one rule, each from its own settings: who runs them apart compares this line."""
    for service in services:
        it = load(SETTINGS[service])
        if isinstance(it, RegistrarSettings | ApproverSettings):
            rule = it.approval_for_current_customers.value
            return f"; APPROVAL_FOR_CURRENT_CUSTOMERS is {rule}, which registrar and approver must have in common"
    return ""
