"""What notifier does on each event: the table at the end is the whole service."""

from collections.abc import Sequence
from functools import partial

from services.notifier import domain, store
from services.notifier.domain import Final, Policy
from shared.database import Transaction
from shared.events import RegistrationApproved, RegistrationClosed, RegistrationOpened
from shared.messaging.batch import Handlers


async def ask_customers(opened: Sequence[RegistrationOpened], tx: Transaction, *, policy: Policy) -> None:
    known = await store.lock(tx, [event.registration_id for event in opened])
    await store.save(tx, domain.open_confirmations(opened, known, policy, tx.now))


async def tell_the_end(finals: Sequence[Final], tx: Transaction) -> None:
    known = await store.lock(tx, [event.registration_id for event in finals])
    await store.save(tx, domain.end_confirmations(finals, known, tx.now))


def handlers(policy: Policy) -> Handlers:
    return {
        RegistrationOpened: partial(ask_customers, policy=policy),
        RegistrationApproved: tell_the_end,
        RegistrationClosed: tell_the_end,
    }
