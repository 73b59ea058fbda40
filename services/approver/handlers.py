"""What approver does on each event, and when the time has come: the tables at the end are the whole service."""

from collections.abc import Sequence
from functools import partial

from services.approver import claims, domain, elsewhere, reviews, store
from services.approver.domain import Final, Rules
from shared.database import Transaction
from shared.eligibility import AccountFact
from shared.events import AccountUpdated, CustomerConfirmed, Quarantined, RegistrationApproved, RegistrationClosed
from shared.messaging.batch import Handlers
from shared.scheduler import Deadline
from shared.stores import lock_accounts, remember_accounts


async def review_changed_accounts(facts: Sequence[AccountFact], tx: Transaction, *, rules: Rules) -> None:
    changed = await remember_accounts(tx, facts)
    cases = await store.lock_open_of(tx, changed)
    await store.save(tx, domain.follow_accounts(cases, changed, rules.policy, tx.now))
    store.tell_pages(tx, [case.registration_id for case in cases])  # what the account is now stands beside them


async def follow_registrations(events: Sequence[CustomerConfirmed | Final], tx: Transaction, *, rules: Rules) -> None:
    confirmed = [event for event in events if isinstance(event, CustomerConfirmed)]
    finals = [event for event in events if not isinstance(event, CustomerConfirmed)]
    accounts = await lock_accounts(tx, [event.customer_email for event in confirmed])
    known = await store.lock(tx, [event.registration_id for event in events])
    decided = domain.open_cases(confirmed, known, accounts, rules, tx.now)
    decided.add(domain.close_cases(finals, decided.on(known), tx.now))
    await store.save(tx, decided, known)


async def remind_of_reviews(tx: Transaction, most: int, skip: int) -> int:
    cases = await store.take_due(tx, most, skip)
    await store.save(tx, reviews.remind(cases, tx.now))
    return len(cases)


async def end_lapsed_claims(tx: Transaction, most: int, skip: int, *, rules: Rules) -> int:
    """Accounts are locked before cases: which accounts, is looked up first, without a lock."""
    lapsed = await store.find_lapsed(tx, most, skip)
    if not lapsed:
        return 0
    accounts = await lock_accounts(tx, lapsed.values())
    cases = await store.take_lapsed(tx, lapsed)
    await store.save(tx, claims.lapse(cases, accounts, rules.policy, tx.now))
    return len(cases)


def handlers(rules: Rules) -> Handlers:
    follow = partial(follow_registrations, rules=rules)
    return {
        AccountUpdated: partial(review_changed_accounts, rules=rules),
        CustomerConfirmed: follow,
        RegistrationApproved: follow,
        RegistrationClosed: follow,
        Quarantined: elsewhere.keep_reports,
    }


def deadlines(rules: Rules) -> list[Deadline]:
    return [
        Deadline("review due", remind_of_reviews),
        Deadline("claims that lapse", partial(end_lapsed_claims, rules=rules)),
    ]
