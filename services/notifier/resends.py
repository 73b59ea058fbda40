"""A partner asks for the confirmation mail once more. Pure.

Each request, known by registration, `requested_at` and partner, is answered once: a stranger's takes the place of
nobody's. One that is read before its confirmation is held until that is known. Requests are answered oldest first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from services.notifier.domain import Confirmation, Decided, Mail, MailKind, Policy, Status
from services.notifier.periods import next_resend_at
from shared.events import ConfirmationResendRefused, ConfirmationResendRequested
from shared.history import WRONG_PARTNER, Entry, moved, unmoved

EVENT = ConfirmationResendRequested.type()


class Answer(StrEnum):
    ACCEPTED = "accepted"
    TOO_SOON = "too_soon"
    LIMIT = "limit"
    NOT_PENDING = "not_pending"
    WRONG_PARTNER = "wrong_partner"


@dataclass(frozen=True, slots=True)
class Resend:
    """`answer` is None while the request is held."""

    registration_id: UUID
    requested_at: datetime
    partner_id: str
    requested_by: str
    answer: Answer | None = None

    @property
    def key(self) -> tuple[UUID, datetime, str]:
        return self.registration_id, self.requested_at, self.partner_id


def asked(event: ConfirmationResendRequested) -> Resend:
    return Resend(event.registration_id, event.requested_at, event.partner_id, event.requested_by)


def decide(
    requests: Iterable[Resend], decided: Decided, known: Mapping[UUID, Confirmation], policy: Policy, now: datetime
) -> list[Resend]:
    """Answers `requests` on top of what was `decided` before them. Those without an answer are to be held."""
    return [
        replace(request, answer=_decide(request, decided, known, policy, now))
        for request in sorted(requests, key=lambda it: (it.requested_at, it.registration_id, it.partner_id))
    ]


def _decide(
    request: Resend, decided: Decided, known: Mapping[UUID, Confirmation], policy: Policy, now: datetime
) -> Answer | None:
    it = decided.now_known(request.registration_id, known)
    if it is None:
        return None
    answer = judge(it, request, policy, now)
    match answer:
        case Answer.ACCEPTED:
            resend(it, request, decided, now)
        case Answer.WRONG_PARTNER:
            note, who = WRONG_PARTNER, request.partner_id
            decided.history.append(unmoved(it, EVENT, request.requested_by, now, note=note, reason=who))
        case Answer.TOO_SOON | Answer.LIMIT | Answer.NOT_PENDING:
            decided.history.append(refused(it, request, answer, now))
            decided.told.append(
                ConfirmationResendRefused.about(it, requested_at=request.requested_at, code=answer.value)
            )
        case _:
            assert_never(answer)
    return answer


def refused(it: Confirmation, request: Resend, answer: Answer, now: datetime) -> Entry:
    """A note is kept once; the time tells one from the next."""
    note = f"{answer}, asked {_written(request.requested_at)}"
    return unmoved(it, EVENT, request.requested_by, now, note=note)


def judge(it: Confirmation, request: Resend, policy: Policy, now: datetime) -> Answer:
    if request.partner_id != it.partner_id:
        return Answer.WRONG_PARTNER
    if it.status is not Status.PENDING:
        return Answer.NOT_PENDING
    if it.period - 1 >= policy.resend_limit:
        return Answer.LIMIT
    return Answer.TOO_SOON if now < next_resend_at(it, policy) else Answer.ACCEPTED


def resend(it: Confirmation, request: Resend, decided: Decided, now: datetime) -> None:
    """Another period: it begins when its mail has left."""
    after = it._replace(
        version=it.version + 1,
        period=it.period + 1,
        asked_at=now,
        sent_at=None,
        valid_until=None,
        reminded=0,
        reminded_to=None,
        undeliverable=False,
        due_at=None,
    )
    decided.put(after)
    decided.history.append(moved(it, after, EVENT, request.requested_by, now))
    decided.mails.append(Mail(it.registration_id, MailKind.CONFIRMATION, period=after.period))


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
