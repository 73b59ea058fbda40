"""What approver does on each event: the table at the end is the whole service."""

from collections.abc import Sequence
from functools import partial

from services.approver import domain, store
from services.approver.domain import Final
from shared.database import Transaction
from shared.eligibility import AccountFact, CurrentCustomers
from shared.events import AccountUpdated, CustomerConfirmed, RegistrationApproved, RegistrationClosed
from shared.messaging.batch import Handlers
from shared.stores import lock_accounts, remember_accounts


async def review_changed_accounts(facts: Sequence[AccountFact], tx: Transaction, *, policy: CurrentCustomers) -> None:
    changed = await remember_accounts(tx, facts)
    cases = await store.lock_open_of(tx, changed)
    await store.save(tx, domain.apply_policy(cases, changed, policy, tx.now))


async def open_cases(confirmed: Sequence[CustomerConfirmed], tx: Transaction, *, policy: CurrentCustomers) -> None:
    accounts = await lock_accounts(tx, [event.customer_email for event in confirmed])
    known = await store.lock(tx, [event.registration_id for event in confirmed])
    await store.save(tx, domain.open_cases(confirmed, known, accounts, policy, tx.now))


async def close_cases(finals: Sequence[Final], tx: Transaction) -> None:
    known = await store.lock(tx, [event.registration_id for event in finals])
    await store.save(tx, domain.close_cases(finals, known, tx.now))


def handlers(policy: CurrentCustomers) -> Handlers:
    return {
        AccountUpdated: partial(review_changed_accounts, policy=policy),
        CustomerConfirmed: partial(open_cases, policy=policy),
        RegistrationApproved: close_cases,
        RegistrationClosed: close_cases,
    }
