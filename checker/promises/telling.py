"""Events and transitions: one for the other, exactly once."""

from collections import Counter
from collections.abc import Iterator

from checker.lives import Life, Run, Step, Told
from checker.machines import BY_POLICY, CLOSED, WRITERS

CODES = ("too_soon", "limit", "not_pending")
Owed = tuple[str, str]
"""An event, and its outcome or code where it has one."""

_BY_STATUS = {
    "awaiting_confirmation": ("RegistrationOpened", ""),
    "approved": ("RegistrationApproved", ""),
} | {outcome: ("RegistrationClosed", outcome) for outcome in CLOSED}
_DECISIONS = {"approved": ("VngApproved", ""), "rejected": ("VngRejected", "")}
_DECIDED_ON = frozenset({"CustomerConfirmed", "VngApproved", "VngRejected", *BY_POLICY})
_TOLD_OF_BY_NAME = {
    "notifier": frozenset(
        {
            "CustomerConfirmed",
            "CustomerDeclined",
            "ConfirmationExpired",
            "ConfirmationSent",
            "ConfirmationUndeliverable",
        }
    ),
    "approver": frozenset({"ReviewDue"}),
    "portal": frozenset({"RegistrationRequested"}),
}
"""Transitions that tell the event they are named after."""
_ASKED = frozenset({"ConfirmationResendRequested", "RegistrationWithdrawn"})


def told_exactly_once(life: Life, run: Run) -> Iterator[str]:
    owed = Counter(it for step in _lines(life) if (it := owed_by(step)) is not None)
    told = Counter(_said(it) for event in life.told for it in _countable(life, event))
    for it in sorted(owed.keys() | told.keys()):
        lines, records = owed[it], told[it]
        if lines == records or not run.ran(WRITERS[it[0]]):
            continue
        if records < lines and run.settled:
            yield f"{_words(it)}: {records} told, {lines} in {WRITERS[it[0]]}'s history; expected as many"
        if records > lines and not _others_may_have_written(life, it[0]):
            yield f"{_words(it)}: {records} told, {lines} in {WRITERS[it[0]]}'s history; each needs its line"


def one_value_a_ce_id(life: Life, _run: Run) -> Iterator[str]:
    for event in life.reused:
        yield f"{event}: one ce_id came with two values; a record that comes again is the same"


def same_parties(life: Life, _run: Run) -> Iterator[str]:
    """Facts from outside may name others: those are refused, see `own_partner_only`."""
    known = life.known_as()
    if known is None:
        return
    for event, records in life.told.items():
        for it in records if WRITERS[event] != "portal" else ():
            if it.partner_id not in (None, known.partner_id):
                yield f"{event} names partner {it.partner_id!r}; expected {known.partner_id!r}"
            if it.email not in (None, known.email):
                yield f"{event} names account {it.email!r}; expected {known.email!r}"


def owed_by(step: Step) -> Owed | None:
    """The event that a line of history must have told."""
    return _owed_by_note(step) if step.note else _owed_by_transition(step)


def _owed_by_transition(step: Step) -> Owed | None:
    moved = step.before != step.after
    match step.service:
        case "registrar" if moved:
            return _BY_STATUS.get(step.after)
        case "approver" if moved and step.event in _DECIDED_ON:
            return _DECISIONS.get(step.after)
        case service if step.event in _TOLD_OF_BY_NAME.get(service, ()):
            return step.event, ""
    return None


def _owed_by_note(step: Step) -> Owed | None:
    if step.service == "notifier" and step.event == "ConfirmationResendRequested":
        refused = next((code for code in CODES if step.note.startswith(code)), None)
        return ("ConfirmationResendRefused", refused) if refused else None
    asked = step.service == "portal" and step.event in _ASKED and step.note.startswith("asked")
    return (step.event, "") if asked else None


def _lines(life: Life) -> Iterator[Step]:
    for by_service in (life.moves, life.notes):
        for steps in by_service.values():
            yield from steps


def _said(it: Told) -> Owed:
    has_word = it.event in {"RegistrationClosed", "ConfirmationResendRefused"}
    return it.event, (it.word or "") if has_word else ""


def _countable(life: Life, event: str) -> list[Told]:
    """Of what may be written from outside, only what the registration's own partner can have asked here."""
    return life.own(event) if WRITERS[event] == "portal" else life.of(event)


def _others_may_have_written(life: Life, event: str) -> bool:
    """Another portal's registration may be known to this one; who requested it there asks there."""
    return WRITERS[event] == "portal" and not life.by("portal", "RegistrationRequested")


def _words(it: Owed) -> str:
    return f"{it[0]} ({it[1]})" if it[1] else it[0]
