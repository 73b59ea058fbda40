"""What the portal does on each event: it keeps what partners see up to date. The table at the end is all."""

from collections.abc import Sequence

from services.portal import domain, store
from services.portal.facts import Fact
from shared.database import Transaction
from shared.events import (
    ConfirmationResendRefused,
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
)
from shared.messaging.batch import Handlers


async def update_registrations(facts: Sequence[Fact], tx: Transaction) -> None:
    known = await store.lock(tx, [fact.registration_id for fact in facts])
    await store.save(tx, domain.read(facts, known), known)


def handlers() -> Handlers:
    return {
        RegistrationOpened: update_registrations,
        ConfirmationSent: update_registrations,
        ConfirmationResendRefused: update_registrations,
        ConfirmationUndeliverable: update_registrations,
        CustomerConfirmed: update_registrations,
        RegistrationApproved: update_registrations,
        RegistrationClosed: update_registrations,
    }
