"""The customer's answer, and what the page says when it comes too late. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.notifier.domain import Confirmation, Decided, Status, is_open
from shared.events import CustomerConfirmed, CustomerDeclined
from shared.history import moved


class Settled(StrEnum):
    """How a confirmation ended, as the customer sees it."""

    CONFIRMED = "confirmed"
    DECLINED = "declined"
    EXPIRED = "expired"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NoLongerOpen:
    """What ended the confirmation, and when. The refusal of an answer that comes too late."""

    code: Settled
    at: datetime


def confirm(it: Confirmation, now: datetime) -> CustomerConfirmed | NoLongerOpen | None:
    """None where it is confirmed already: told once."""
    if it.status is Status.CONFIRMED:
        return None
    return settled(it, now) or CustomerConfirmed.about(it, confirmed_at=now)


def decline(it: Confirmation, reason: str | None, now: datetime) -> CustomerDeclined | NoLongerOpen | None:
    if it.status is Status.DECLINED:
        return None
    return settled(it, now) or CustomerDeclined(registration_id=it.registration_id, reason=reason, declined_at=now)


def answered(it: Confirmation, answer: CustomerConfirmed | CustomerDeclined, now: datetime) -> Decided:
    """What the customer's answer changes."""
    status = Status.CONFIRMED if isinstance(answer, CustomerConfirmed) else Status.DECLINED
    reason = answer.reason if isinstance(answer, CustomerDeclined) else None
    after = it._replace(status=status, version=it.version + 1, answered_at=now, due_at=None)
    line = moved(it, after, answer.type(), it.customer_email, now, reason)
    return Decided(changed={it.registration_id: after}, history=[line], told=[answer])


def settled(it: Confirmation, now: datetime) -> NoLongerOpen | None:
    """None while the confirmation is open. Registrar's final word says more than an answer before it; one still pending
    has run out, and the scheduler has not come to it yet."""
    if is_open(it, now):
        return None
    code = Settled(it.outcome or it.status) if it.outcome or it.status is not Status.PENDING else Settled.EXPIRED
    match code:
        case Settled.CONFIRMED | Settled.DECLINED:
            at = it.answered_at
        case Settled.EXPIRED:
            at = it.valid_until
        case _:
            at = it.ended_at
    at = at or it.ended_at
    assert at is not None  # what is not open was answered, has run out, or was ended
    return NoLongerOpen(code, at)
