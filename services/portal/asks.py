"""What a partner may still ask of a registration: a new confirmation mail, or its withdrawal. Pure.

Who asks again before the answer is there changes nothing. What was asked moves no status: the services that were asked
answer by events. Notifier alone counts mails; what is refused here is what the newest of its events says already.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.portal.domain import FINAL, Registration, Status
from services.portal.facts import happened_at, line, note_of
from shared.events import ConfirmationResendRequested, RegistrationWithdrawn
from shared.history import Entry


class Obstacle(StrEnum):
    """Why what a partner asks for cannot be. The page says it in a sentence."""

    NOT_PENDING = "not_pending"
    LIMIT = "limit"
    TOO_SOON = "too_soon"
    BEING_WITHDRAWN = "being_withdrawn"
    ALREADY_ENDED = "already_ended"


@dataclass(frozen=True, slots=True)
class Refused:
    code: Obstacle


@dataclass(frozen=True, slots=True)
class Asked:
    """The row that keeps it, the event that tells it and its line of history: stored in one commit."""

    registration: Registration
    event: ConfirmationResendRequested | RegistrationWithdrawn
    line: Entry


def resend(it: Registration, by: str, now: datetime) -> Asked | Refused | None:
    """None where a request is under way already."""
    if obstacle := resend_obstacle(it, now):
        return Refused(obstacle)
    if it.resend_awaited:
        return None
    after = it._replace(resend_requested_at=now, resend_requested_by=by, resend_awaited=True)
    return _asked(after, ConfirmationResendRequested.about(it, requested_by=by, requested_at=now))


def resend_obstacle(it: Registration, now: datetime) -> Obstacle | None:
    if it.withdrawal_under_way:
        return Obstacle.BEING_WITHDRAWN
    if it.status is not Status.AWAITING_CONFIRMATION:
        return Obstacle.NOT_PENDING
    return None if it.resend_awaited else _limit(it, now)


def _limit(it: Registration, now: datetime) -> Obstacle | None:
    """What a mail that failed has left of the limits only notifier knows: until it has said that none is left, ask."""
    if it.resend_refused_code == Obstacle.LIMIT:
        return Obstacle.LIMIT
    if it.undeliverable is not None:
        return None
    if it.resends_left == 0:
        return Obstacle.LIMIT
    return Obstacle.TOO_SOON if it.next_resend_at and now < it.next_resend_at else None


def withdraw(it: Registration, by: str, reason: str | None, now: datetime) -> Asked | Refused | None:
    """None where it is withdrawn, or asked to be."""
    if it.status is Status.WITHDRAWN or it.withdrawal_under_way:
        return None
    if it.status in FINAL:
        return Refused(Obstacle.ALREADY_ENDED)
    after = it._replace(withdrawal_asked_at=now, withdrawal_asked_by=by, withdrawal_reason=reason)
    return _asked(after, RegistrationWithdrawn.about(it, withdrawn_by=by, reason=reason, withdrawn_at=now))


def _asked(after: Registration, event: ConfirmationResendRequested | RegistrationWithdrawn) -> Asked:
    after = after._replace(changed_at=max(after.changed_at, happened_at(event)))
    told = line(event, after.status, after.status, after.status.stage, note_of(event))
    return Asked(after, event, told)
