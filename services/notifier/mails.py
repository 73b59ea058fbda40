"""Which mails are owed about reviews, and which mails are not worth sending any more when their turn comes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.domain import Confirmation, Mail, MailKind, Policy, is_open
from services.notifier.periods import is_late
from shared.events import ReviewDue

TO_CUSTOMER = frozenset(
    {
        MailKind.CONFIRMATION,
        MailKind.REMINDER,
        MailKind.CUSTOMER_APPROVED,
        MailKind.CUSTOMER_REJECTED,
        MailKind.CUSTOMER_WITHDRAWN,
    }
)
TO_STAFF = frozenset({MailKind.REVIEW_DUE, MailKind.REVIEW_DUE_CLAIMER})


@dataclass(frozen=True, slots=True)
class Review:
    """A review that is due, as approver told it: notifier may never have heard of the registration otherwise."""

    registration_id: UUID
    partner_name: str
    customer_email: str
    claimed_by: str | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Matter:
    """What a mail is about, as it stood when the mail's turn came. `refusal` is what the mail server said of the
    confirmation mail of the same period."""

    confirmation: Confirmation | None = None
    review: Review | None = None
    refusal: str | None = None


def review_of(event: ReviewDue) -> Review:
    return Review(event.registration_id, event.partner_name, event.customer_email, event.claimed_by, event.due_at)


def review_mails(review: Review, review_mail_to: Sequence[str]) -> list[Mail]:
    """To everybody in REVIEW_MAIL_TO, and to who has claimed the case: nobody gets two."""
    numbers = range(1, len(review_mail_to) + 1)
    mails = [Mail(review.registration_id, MailKind.REVIEW_DUE, number) for number in numbers]
    if review.claimed_by and review.claimed_by not in review_mail_to:
        mails.append(Mail(review.registration_id, MailKind.REVIEW_DUE_CLAIMER))
    return mails


def needless(mail: Mail, it: Confirmation | None, policy: Policy, now: datetime) -> str | None:
    """Why `mail` is not to be sent any more, in words for operators; None where it is."""
    match mail.kind:
        case MailKind.CONFIRMATION | MailKind.REMINDER:
            return _outdated(mail, it, policy, now)
        case MailKind.REVIEW_DUE | MailKind.REVIEW_DUE_CLAIMER:
            return "not sent: the registration was decided before" if it and it.outcome else None
        case _:
            return None


def _outdated(mail: Mail, it: Confirmation | None, policy: Policy, now: datetime) -> str | None:
    if it is None or not is_open(it, now):
        return "not sent: the confirmation was over before"
    if mail.period < it.period:
        return "not sent: superseded by a later confirmation mail"
    if mail.kind is MailKind.REMINDER and mail.number < it.reminded:
        return "not sent: superseded by a later reminder"
    if mail.kind is MailKind.REMINDER and it.reminded_to and is_late(it.reminded_to, it, policy, now):
        return "not sent: the next reminder is nearer than the moment of this one"
    return None
