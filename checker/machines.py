"""What the services may do: topics, writers, and every legal step, written down from the design."""

from collections.abc import Iterable

WRITERS = {
    "RegistrationRequested": "portal",
    "RegistrationWithdrawn": "portal",
    "ConfirmationResendRequested": "portal",
    "RegistrationOpened": "registrar",
    "RegistrationApproved": "registrar",
    "RegistrationClosed": "registrar",
    "ConfirmationSent": "notifier",
    "ConfirmationResendRefused": "notifier",
    "ConfirmationUndeliverable": "notifier",
    "CustomerConfirmed": "notifier",
    "CustomerDeclined": "notifier",
    "ConfirmationExpired": "notifier",
    "VngApproved": "approver",
    "VngRejected": "approver",
    "ReviewDue": "approver",
}
"""Which service writes which event."""

EVENTS = {"".join(f"-{c.lower()}" if c.isupper() else c for c in name)[1:] + ".v1": name for name in WRITERS}
"""The event of each topic."""

ACCOUNT_UPDATED = "account-updated.v1"
QUARANTINE = ".quarantine.v1"
"""Ends the names of the topics, one a service, that tell what a service could not accept."""

OPEN = frozenset({"awaiting_confirmation", "awaiting_approval"})
HOLDING = OPEN | {"approved"}
CLOSED = frozenset({"refused", "declined", "expired", "withdrawn", "rejected"})
FINAL = CLOSED | {"approved"}
FINAL_WORDS = frozenset({"RegistrationApproved", "RegistrationClosed"})

Step = tuple[str | None, str, str]
"""From, event, to."""


def _steps(sources: Iterable[str | None], event: str, targets: Iterable[str]) -> set[Step]:
    return {(source, event, target) for source in sources for target in targets}


def _staying(statuses: Iterable[str], events: Iterable[str]) -> set[Step]:
    return {(status, event, status) for status in statuses for event in events}


_REGISTRAR = (
    _steps([None], "RegistrationRequested", ["awaiting_confirmation", "refused", "withdrawn"])
    | _steps(["awaiting_confirmation"], "CustomerConfirmed", ["awaiting_approval"])
    | _steps(["awaiting_confirmation"], "CustomerDeclined", ["declined"])
    | _steps(["awaiting_confirmation"], "ConfirmationExpired", ["expired"])
    | _steps(OPEN, "RegistrationWithdrawn", ["withdrawn"])
    | _steps(OPEN, "VngApproved", ["approved"])
    | _steps(OPEN, "VngRejected", ["rejected"])
)
_NOTIFIER = (
    _steps([None], "RegistrationOpened", ["pending"])
    | {(source, event, "void") for source in (None, "pending") for event in FINAL_WORDS}
    | _steps(["pending"], "CustomerConfirmed", ["confirmed"])
    | _steps(["pending"], "CustomerDeclined", ["declined"])
    | _steps(["pending"], "ConfirmationExpired", ["expired"])
    | _staying(["pending"], ["ConfirmationResendRequested"])
    | _staying(["confirmed", "declined", "expired"], FINAL_WORDS)
    | _staying(
        ["pending", "confirmed", "declined", "expired", "void"], ["ConfirmationSent", "ConfirmationUndeliverable"]
    )
)
BY_POLICY = ("AccountUpdated", "ClaimLapsed", "ClaimReleased")
"""What may make the policy decide an open case."""
_APPROVER = (
    _steps([None], "CustomerConfirmed", ["open", "approved", "rejected"])
    | _steps([None, "open"], "RegistrationApproved", ["approved"])
    | _steps([None, "open"], "RegistrationClosed", ["withdrawn"])
    | _steps(["open"], "VngApproved", ["approved"])
    | _steps(["open"], "VngRejected", ["rejected"])
    | {("open", event, target) for event in BY_POLICY for target in ("approved", "rejected")}
    | _staying(["open"], ["ReviewDue"])
    | _staying(["approved", "rejected"], FINAL_WORDS)
)

STAGES = {"requested": 1, "awaiting_confirmation": 2, "awaiting_approval": 3} | dict.fromkeys(FINAL, 4)
"""Portal's status only moves to a later stage, and a stage is also the version."""
_TOLD_TO_PORTAL = {
    "RegistrationOpened": {"awaiting_confirmation"},
    "ConfirmationSent": {"awaiting_confirmation"},
    "ConfirmationUndeliverable": {"awaiting_confirmation"},
    "CustomerConfirmed": {"awaiting_approval"},
    "RegistrationApproved": {"approved"},
    "RegistrationClosed": CLOSED,
}
_PORTAL = _steps([None], "RegistrationRequested", ["requested"]) | {
    (source, event, target)
    for source in ("requested", *OPEN)
    for event, targets in _TOLD_TO_PORTAL.items()
    for target in targets
    if STAGES[source] < STAGES[target]
}

LEGAL = {"registrar": _REGISTRAR, "notifier": _NOTIFIER, "approver": _APPROVER, "portal": _PORTAL}

SETTLED_STATUSES = {
    "registrar": FINAL,
    "notifier": frozenset({"confirmed", "declined", "expired", "void"}),
    "approver": frozenset({"approved", "rejected", "withdrawn"}),
    "portal": FINAL,
}
"""Statuses that are never left."""
