"""The events that the portal reads and writes, and what each says for a line of history: who, why, when. Pure.

Things that can happen to one registration more than once (mails, failures, requests of its partner) have a note that
tells them apart; so each is one line, however often its event is read.
"""

from datetime import datetime

from shared.events import (
    ConfirmationResendRefused,
    ConfirmationResendRequested,
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    RegistrationRequested,
    RegistrationWithdrawn,
)
from shared.history import Entry

Fact = (
    RegistrationOpened
    | ConfirmationSent
    | ConfirmationResendRefused
    | ConfirmationUndeliverable
    | CustomerConfirmed
    | RegistrationApproved
    | RegistrationClosed
)
Request = RegistrationRequested | ConfirmationResendRequested | RegistrationWithdrawn
"""What a partner asks for: the portal writes it."""

DETAILS = "details"
"""The note of a fact that came after the status it leads to, with details that were still missing."""

_TIME_OF = {
    RegistrationRequested: "requested_at",
    ConfirmationResendRequested: "requested_at",
    RegistrationWithdrawn: "withdrawn_at",
    RegistrationOpened: "opened_at",
    ConfirmationSent: "sent_at",
    ConfirmationResendRefused: "requested_at",  # nothing else says which request was refused
    ConfirmationUndeliverable: "failed_at",
    CustomerConfirmed: "confirmed_at",
    RegistrationApproved: "approved_at",
    RegistrationClosed: "closed_at",
}


def happened_at(event: Fact | Request) -> datetime:
    at: datetime = getattr(event, _TIME_OF[type(event)])
    return at


def note_of(event: Fact | Request) -> str:
    """Empty for what happens once."""
    match event:
        case ConfirmationSent():
            return f"number {event.number}"
        case ConfirmationUndeliverable():
            return f"failed {_written(event.failed_at)}"
        case ConfirmationResendRefused() | ConfirmationResendRequested() | RegistrationWithdrawn():
            return f"asked {_written(happened_at(event))}"
        case _:
            return ""


def line(event: Fact | Request, status_from: str | None, status_to: str, version: int, note: str) -> Entry:
    return Entry(
        registration_id=event.registration_id,
        version=version,
        status_from=status_from,
        status_to=status_to,
        event=event.type(),
        note=note,
        actor=_actor(event),
        reason=_reason(event),
        at=happened_at(event),
    )


def _actor(event: Fact | Request) -> str:
    """The person, where the event names one; else the service that wrote it."""
    match event:
        case RegistrationRequested() | ConfirmationResendRequested():
            return event.requested_by
        case RegistrationWithdrawn():
            return event.withdrawn_by
        case CustomerConfirmed():
            return event.customer_email
        case RegistrationApproved():
            return event.approved_by
        case ConfirmationSent() | ConfirmationResendRefused() | ConfirmationUndeliverable():
            return "notifier"
        case RegistrationOpened() | RegistrationClosed():
            return "registrar"


def _reason(event: Fact | Request) -> str | None:
    match event:
        case RegistrationWithdrawn():
            return event.reason
        case RegistrationClosed():
            return ", ".join(event.reasons) or None
        case ConfirmationUndeliverable():
            return event.detail
        case ConfirmationResendRefused():
            return event.code
        case _:
            return None


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
