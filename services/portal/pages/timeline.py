"""What happened to a registration, for people: each thing once, oldest first, whatever the portal heard first. Pure."""

from collections.abc import Iterable

from shared.events import (
    ConfirmationResendRefused,
    ConfirmationResendRequested,
    ConfirmationSent,
    ConfirmationUndeliverable,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationRequested,
    RegistrationWithdrawn,
)
from shared.history import TRANSITION, Entry

_REPEATABLE = {
    kind.type()
    for kind in (
        ConfirmationSent,
        ConfirmationUndeliverable,
        ConfirmationResendRequested,
        ConfirmationResendRefused,
        RegistrationWithdrawn,
    )
}
"""Their notes tell one from the next. A status that one of them implied is a line besides."""

_ONLY_AS_MOVES = {kind.type() for kind in (RegistrationRequested, RegistrationApproved, RegistrationClosed)}
"""Of two ends that exclude each other, the one that changed nothing is not told."""


def timeline(history: Iterable[Entry]) -> list[Entry]:
    """`history` in the order of its ids, which decides where times are equal."""
    shown: dict[tuple[str, str], Entry] = {}
    for entry in history:
        is_move = entry.note == TRANSITION
        if is_move if entry.event in _REPEATABLE else entry.event in _ONLY_AS_MOVES and not is_move:
            continue
        shown.setdefault((entry.event, entry.note if entry.event in _REPEATABLE else ""), entry)
    return sorted(shown.values(), key=lambda entry: entry.at)
