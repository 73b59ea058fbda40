"""What notifier does on each event, and when something has become due: the two tables at the end are the whole
service."""

from collections.abc import Sequence
from functools import partial

from services.notifier import domain, mails, matters, periods, queue, resends, store
from services.notifier.domain import Decided, Final, Policy
from shared.database import Transaction
from shared.events import (
    ConfirmationResendRequested,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    ReviewDue,
)
from shared.messaging.batch import Handlers
from shared.scheduler import Deadline


async def follow_registrations(
    events: Sequence[RegistrationOpened | Final], tx: Transaction, *, policy: Policy
) -> None:
    opened = [event for event in events if isinstance(event, RegistrationOpened)]
    finals = [event for event in events if not isinstance(event, RegistrationOpened)]
    await store.shut_out_resends(tx)
    known = await store.lock(tx, [event.registration_id for event in events])
    decided = domain.open_confirmations(opened, known, tx.now)
    decided.add(domain.end_confirmations(finals, decided.on(known), tx.now))
    held = await store.held_resends(tx, decided.new) if decided.new else []
    await store.keep_answers(tx, resends.decide(held, decided, {}, policy, tx.now))
    await store.save(tx, decided, known)


async def resend_confirmations(
    requested: Sequence[ConfirmationResendRequested], tx: Transaction, *, policy: Policy
) -> None:
    await store.shut_out_openings(tx)
    requests = await store.not_asked_before(tx, map(resends.asked, requested))
    known = await store.lock(tx, [request.registration_id for request in requests])
    decided = Decided()
    store.keep_resends(tx, resends.decide(requests, decided, known, policy, tx.now))
    await store.save(tx, decided, known)


async def tell_reviewers(due: Sequence[ReviewDue], tx: Transaction, *, review_mail_to: Sequence[str]) -> None:
    first = {event.registration_id: mails.review_of(event) for event in reversed(due)}
    new = await matters.keep_reviews(tx, [first[registration_id] for registration_id in sorted(first)])
    queue.put(tx, [mail for review in new for mail in mails.review_mails(review, review_mail_to)])


async def expire_and_remind(tx: Transaction, most: int, skip: int, *, policy: Policy) -> int:
    due = await store.claim_due(tx, most, skip)
    await store.save(tx, periods.act_when_due(due, policy, tx.now))
    return len(due)


def handlers(policy: Policy, review_mail_to: Sequence[str]) -> Handlers:
    follow = partial(follow_registrations, policy=policy)
    return {
        RegistrationOpened: follow,
        ConfirmationResendRequested: partial(resend_confirmations, policy=policy),
        RegistrationApproved: follow,
        RegistrationClosed: follow,
        ReviewDue: partial(tell_reviewers, review_mail_to=review_mail_to),
    }


def deadlines(policy: Policy) -> list[Deadline]:
    return [Deadline("expiry and reminders", partial(expire_and_remind, policy=policy))]
