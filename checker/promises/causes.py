"""Nothing moves without the event that says so, and nobody moves another partner's registration."""

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
