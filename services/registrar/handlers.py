"""What registrar does on each event: the table at the end is the whole service."""

from collections.abc import Sequence
from functools import partial

from services.registrar import domain, opening, standing, store
from services.registrar.domain import Fact
from services.registrar.opening import Policy
from shared.database import Transaction
from shared.eligibility import AccountFact
from shared.events import (
    AccountUpdated,
    ConfirmationExpired,
    CustomerConfirmed,
    CustomerDeclined,
    RegistrationRequested,
    RegistrationWithdrawn,
    VngApproved,
    VngRejected,
)
from shared.messaging.batch import Handlers
from shared.stores import find_accounts, remember_accounts


async def keep_account_facts(facts: Sequence[AccountFact], tx: Transaction) -> None:
    await remember_accounts(tx, facts)


async def open_registrations(requests: Sequence[RegistrationRequested], tx: Transaction, *, policy: Policy) -> None:
    counts, known = await standing.lock(tx, requests, policy)
    await store.save(tx, opening.open_registrations(requests, known, counts, policy, tx.now))


async def advance_registrations(facts: Sequence[Fact], tx: Transaction) -> None:
    await store.lock_partners(tx, [fact.partner_id for fact in facts if isinstance(fact, RegistrationWithdrawn)])
    known = await store.lock(tx, [fact.registration_id for fact in facts])
    accounts = await find_accounts(tx, domain.approved(facts, known))
    await store.save(tx, domain.advance(facts, known, tx.now, accounts), known)


def handlers(policy: Policy) -> Handlers:
    return {
        AccountUpdated: keep_account_facts,
        RegistrationRequested: partial(open_registrations, policy=policy),
        RegistrationWithdrawn: advance_registrations,
        CustomerConfirmed: advance_registrations,
        CustomerDeclined: advance_registrations,
        ConfirmationExpired: advance_registrations,
        VngApproved: advance_registrations,
        VngRejected: advance_registrations,
    }
