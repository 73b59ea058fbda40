"""How far a registration has come, in the three steps that partners know. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.portal.domain import FINAL, Registration, Status


class Step(StrEnum):
    REGISTERED = "registered"
    CONFIRMED = "confirmed"
    APPROVED = "approved"


class State(StrEnum):
    DONE = "done"
    NOW = "now"
    LATER = "later"
    ENDED = "ended"  # the registration is closed, and got no further


@dataclass(frozen=True, slots=True)
class Stage:
    """`at` is when it was done, or ended; None where the portal has not heard of it."""

    step: Step
    state: State
    at: datetime | None = None


_AT = {
    Status.REQUESTED: Step.REGISTERED,
    Status.REFUSED: Step.REGISTERED,
    Status.AWAITING_CONFIRMATION: Step.CONFIRMED,
    Status.DECLINED: Step.CONFIRMED,
    Status.EXPIRED: Step.CONFIRMED,
    Status.AWAITING_APPROVAL: Step.APPROVED,
    Status.APPROVED: Step.APPROVED,
    Status.REJECTED: Step.APPROVED,
}
"""The step that a registration is at, or ended at. One is withdrawn at any."""


def progress(it: Registration, confirmed_at: datetime | None, ended_at: datetime | None) -> list[Stage]:
    at = _AT.get(it.status) or (Step.APPROVED if confirmed_at else Step.CONFIRMED)
    approved = it.status is Status.APPROVED
    # An approval says that the customer had confirmed, even where that is heard of later. A rejection does not.
    confirmed = confirmed_at is not None or approved
    open_or_ended = Stage(at, State.ENDED, ended_at) if it.status in FINAL else Stage(at, State.NOW)
    stages = {
        Step.REGISTERED: Stage(Step.REGISTERED, State.DONE, it.requested_at),
        Step.CONFIRMED: Stage(Step.CONFIRMED, State.DONE if confirmed else State.LATER, confirmed_at),
        Step.APPROVED: Stage(Step.APPROVED, State.DONE if approved else State.LATER, ended_at if approved else None),
    }
    return list((stages if approved else stages | {at: open_or_ended}).values())
