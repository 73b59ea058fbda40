"""The period in which a customer may answer: when it begins, its reminders, its end. Pure.

It begins when the mail server accepts the confirmation mail (or refuses it for good), so a mail server that is away
expires nobody. One reminder at most leaves for one moment of REMINDERS_BEFORE, none for moments that were missed when a
later one has passed, and none that would leave shortly before the next.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from services.notifier.domain import Confirmation, Decided, Mail, MailKind, Policy, Status, knows
from shared.events import ConfirmationExpired, ConfirmationSent, ConfirmationUndeliverable, Outcome
from shared.history import moved

ACTOR = "notifier"


def due_at(it: Confirmation, policy: Policy) -> datetime | None:
    """The next moment at which there is something to do: a reminder, else the end."""
    if it.status is not Status.PENDING or it.valid_until is None:
        return None
    to_come = [] if it.undeliverable else _moments(it, policy)
    return to_come[0] if to_come else it.valid_until


def is_late(moment: datetime, it: Confirmation, policy: Policy, now: datetime) -> bool:
    """Whether the reminder of `moment` had better not be sent any more: the next one is nearer, or due by now."""
    if it.valid_until is None:
        return False
    later = [at for before in policy.reminders_before if (at := it.valid_until - before) > moment]
    return bool(later) and now - moment > later[0] - now


def act_when_due(due: Iterable[Confirmation], policy: Policy, now: datetime) -> Decided:
    """Expires those whose period is over and reminds the others, once for all the moments that have passed."""
    decided = Decided()
    for it in due:
        if it.valid_until is None or it.due_at is None or now < it.due_at:
            continue
        if now >= it.valid_until:
            _expire(it, decided, now)
        else:
            _remind(it, decided, policy, now)
    return decided


def _expire(it: Confirmation, decided: Decided, now: datetime) -> None:
    after = it._replace(status=Status.EXPIRED, version=it.version + 1, ended_at=now, due_at=None)
    event = ConfirmationExpired(registration_id=it.registration_id, expired_at=now)
    decided.put(after)
    decided.history.append(moved(it, after, event.type(), ACTOR, now))
    decided.told.append(event)


def _remind(it: Confirmation, decided: Decided, policy: Policy, now: datetime) -> None:
    """Once for all the moments that have passed, and not at all where the next one is nearer."""
    passed = [moment for moment in _moments(it, policy) if moment <= now]
    owed = bool(passed) and not it.undeliverable and not is_late(passed[-1], it, policy, now)
    after = it._replace(reminded=it.reminded + owed, reminded_to=passed[-1] if passed else it.reminded_to)
    decided.put(after._replace(due_at=due_at(after, policy)))
    if owed:
        decided.mails.append(Mail(it.registration_id, MailKind.REMINDER, after.reminded, it.period))


def _moments(it: Confirmation, policy: Policy) -> list[datetime]:
    """The reminders that are to come, in order."""
    if it.valid_until is None:
        return []
    moments = [it.valid_until - before for before in policy.reminders_before]
    return [moment for moment in moments if it.reminded_to is None or moment > it.reminded_to]


def sent(it: Confirmation, period: int, policy: Policy, now: datetime) -> Decided:
    """The mail server accepted the confirmation mail of `period`. It may be an older one, in flight when a resend was
    accepted: that neither begins nor shortens the newer period."""
    after = it._replace(version=it.version + 1, mailed=True)
    if it.status is Status.PENDING and period == it.period and it.valid_until is None:
        after = _begun(after._replace(sent_at=now), policy, now)
    left = max(0, policy.resend_limit - (it.period - 1))
    event = ConfirmationSent(
        registration_id=it.registration_id,
        partner_id=it.partner_id,
        number=period,
        sent_at=now,
        valid_until=after.valid_until or now + policy.valid_for,
        resends_left=left,
        next_resend_at=next_resend_at(after, policy) if left else None,
    )
    line = moved(it, after, event.type(), ACTOR, now)
    return Decided(changed={it.registration_id: after}, history=[line], mails=_told_late(it), told=[event])


def all_sent(mails: Iterable[Mail], known: Mapping[UUID, Confirmation], policy: Policy, now: datetime) -> Decided:
    """As `sent`, of confirmation mails that were accepted together."""
    decided = Decided()
    for mail in mails:
        it = decided.changed.get(mail.registration_id) or known[mail.registration_id]
        one = sent(it, mail.period, policy, now)
        decided.changed |= one.changed
        decided.history += one.history
        decided.mails += one.mails
        decided.told += one.told
    return decided


def gone_out(it: Confirmation) -> Decided:
    """A confirmation mail that may have arrived will not be tried again: whether it did, nobody will know."""
    return Decided(changed={it.registration_id: it._replace(mailed=True)}, mails=_told_late(it))


def all_gone_out(them: Iterable[Confirmation]) -> Decided:
    """As `gone_out`, of different confirmations."""
    decided = Decided()
    for it in them:
        one = gone_out(it)
        decided.changed |= one.changed
        decided.mails += one.mails
    return decided


def _told_late(it: Confirmation) -> list[Mail]:
    """What the customer is owed where the registration was withdrawn before it was known that a mail had left."""
    if it.outcome == Outcome.WITHDRAWN and not knows(it):
        return [Mail(it.registration_id, MailKind.CUSTOMER_WITHDRAWN)]
    return []


def undeliverable(it: Confirmation, period: int, detail: str, policy: Policy, now: datetime) -> Decided:
    """The mail server refused the recipient for good. The registration stays open until the period is over; of an
    older period's mail, or of a confirmation that is over, nobody needs to know."""
    if it.status is not Status.PENDING or period != it.period or it.valid_until is not None:
        return Decided()
    after = _begun(it._replace(version=it.version + 1, undeliverable=True), policy, now)
    event = ConfirmationUndeliverable.about(it, detail=detail, failed_at=now)
    line = moved(it, after, event.type(), ACTOR, now, event.detail)
    mail = Mail(it.registration_id, MailKind.PARTNER_UNDELIVERABLE, period=period)
    return Decided(changed={it.registration_id: after}, history=[line], mails=[mail], told=[event])


def next_resend_at(it: Confirmation, policy: Policy) -> datetime:
    """From when on another mail may be asked for."""
    return max(it.asked_at, it.sent_at or it.asked_at) + policy.resend_interval


def _begun(it: Confirmation, policy: Policy, now: datetime) -> Confirmation:
    """Reminders that would have been due before the period began are past."""
    it = it._replace(valid_until=now + policy.valid_for, reminded_to=now)
    return it._replace(due_at=due_at(it, policy))
