"""Nothing moves without the event that says so, nothing that is said goes unread, and nobody moves another partner's
registration."""

from collections.abc import Iterator

from checker.lives import Life, Run
from checker.machines import FINAL, FINAL_WORDS

_READ_BY = {
    "registrar": frozenset(
        {
            "RegistrationRequested",
            "RegistrationWithdrawn",
            "CustomerConfirmed",
            "CustomerDeclined",
            "ConfirmationExpired",
            "VngApproved",
            "VngRejected",
        }
    ),
    "notifier": FINAL_WORDS | {"RegistrationOpened", "ConfirmationResendRequested"},
    "approver": FINAL_WORDS | {"CustomerConfirmed"},
    "portal": FINAL_WORDS
    | {"RegistrationOpened", "ConfirmationSent", "ConfirmationUndeliverable", "CustomerConfirmed"},
}

_MUST_READ = {
    "registrar": _READ_BY["registrar"],
    "notifier": FINAL_WORDS | {"RegistrationOpened"},  # of resends see `asked_is_answered`
    "approver": _READ_BY["approver"],
    "portal": _READ_BY["portal"] | {"ConfirmationResendRefused"},
}
_NOTED = {("portal", event) for event in ("ConfirmationSent", "ConfirmationUndeliverable", "ConfirmationResendRefused")}
"""May happen several times: each has a note of its own."""


def moved_by_an_event(life: Life, _run: Run) -> Iterator[str]:
    for service, moves in life.moves.items():
        read = _READ_BY.get(service, frozenset())
        for event in sorted({step.event for step in moves} & read):
            if not life.of(event):
                yield f"{service} moved on {event}, and no such record is on its topic"
    if life.by("registrar", "RegistrationRequested") and life.of("RegistrationRequested"):
        yield from _requested_as_known(life)


def _requested_as_known(life: Life) -> Iterator[str]:
    known = life.known_as()
    assert known is not None
    wanted = (known.partner_id, known.email)
    if wanted not in {(it.partner_id, it.email) for it in life.of("RegistrationRequested")}:
        yield f"registrar registered {wanted}, and no RegistrationRequested says so"


def told_is_read(life: Life, run: Run) -> Iterator[str]:
    """Each service keeps a line of each event that it reads, if only to note that it changed nothing."""
    for service in sorted(run.services):
        kept = {step.event for by in (life.moves, life.notes) for step in by.get(service, ())}
        for event in sorted(_MUST_READ[service] & life.told.keys()):
            read = _all_noted(life, event) if (service, event) in _NOTED else event in kept
            if not (read or _set_aside(life, service, event, run) or _stored_early(life, event)):
                yield f"{event} was told, and {service} has no line of it"


def _all_noted(life: Life, event: str) -> bool:
    notes = sum(step.event == event for step in life.notes.get("portal", ()))
    return notes >= len(life.of(event))


def _set_aside(life: Life, service: str, event: str, run: Run) -> bool:
    return any((service, event, it.partition, it.offset) in run.set_aside for it in life.of(event))


def _stored_early(life: Life, event: str) -> bool:
    """A withdrawal read before its request has no line: the request begins as withdrawn, or has never come."""
    moves = life.moves.get("registrar")
    return event == "RegistrationWithdrawn" and (not moves or moves[0].after == "withdrawn")


def own_partner_only(life: Life, _run: Run) -> Iterator[str]:
    moves = life.moves.get("registrar", ())
    withdrawn = [step for step in moves if step.after == "withdrawn" and step.before != step.after]
    if withdrawn and not life.own("RegistrationWithdrawn"):
        yield f"withdrawn, and no RegistrationWithdrawn names its partner {life.partner_id!r}"
    accepted = len(life.by("notifier", "ConfirmationResendRequested"))
    asked = len({it.at for it in life.own("ConfirmationResendRequested")})
    if accepted > asked:
        yield f"{accepted} resends accepted, {asked} asked for by its partner {life.partner_id!r}"


def asked_is_answered(life: Life, run: Run) -> Iterator[str]:
    """What a registration's own partner asks for: a withdrawal ends it, if nothing else did; a resend has an answer."""
    status = life.status("registrar")
    if status is not None and status not in FINAL and life.own("RegistrationWithdrawn"):
        yield f"its partner withdrew it, and it is {status}; expected it ended"
    if not run.ran("notifier") or life.status("notifier") is None:
        return
    asked = len({it.at for it in life.own("ConfirmationResendRequested")})
    answered = len(life.by("notifier", "ConfirmationResendRequested")) + len(life.of("ConfirmationResendRefused"))
    if answered < asked:
        yield f"its partner asked for {asked} resends, and {answered} were answered"
