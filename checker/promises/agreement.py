"""All services end agreeing with registrar."""

from collections.abc import Iterator

from checker.lives import Life, Run
from checker.machines import FINAL, SETTLED_STATUSES


def services_agree(life: Life, run: Run) -> Iterator[str]:
    status = life.status("registrar")
    if status is None or not run.ran("registrar"):
        return
    if run.ran("portal") and life.status("portal") != status:
        yield f"portal says {life.status('portal')}, registrar {status}; expected the same"
    if status in FINAL:
        yield from _final_word_taken(life, run, status)
    for service, expected in _expected(status).items():
        if run.ran(service) and life.status(service) not in expected:
            wanted = " or ".join(sorted(map(str, expected)))
            yield f"{service} says {life.status(service)} while registrar says {status}; expected {wanted}"


def _expected(status: str) -> dict[str, frozenset[str | None]]:
    match status:
        case "awaiting_confirmation":
            return {"notifier": frozenset({"pending"}), "approver": frozenset({None})}
        case "awaiting_approval":
            return {"notifier": frozenset({"confirmed"}), "approver": frozenset({"open"})}
        case "approved" | "rejected":
            return {"notifier": frozenset(SETTLED_STATUSES["notifier"]), "approver": frozenset({status})}
        case _:
            return {name: frozenset(SETTLED_STATUSES[name]) for name in ("notifier", "approver")}


def _final_word_taken(life: Life, run: Run, status: str) -> Iterator[str]:
    right, wrong = "RegistrationApproved", "RegistrationClosed"
    if status != "approved":
        right, wrong = wrong, right
    for service in ("notifier", "approver"):
        if not run.ran(service):
            continue
        if not life.by(service, right):
            yield f"registrar says {status}, and {service} has no line for {right}"
        if life.by(service, wrong):
            yield f"registrar says {status}, and {service} has a line for {wrong}"
