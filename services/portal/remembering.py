"""What the portal takes back from its own events once its database has been set back: what partners asked for."""

from services.portal import store
from services.portal.asks import Asked
from services.portal.domain import Registration
from services.portal.facts import happened_at, line, note_of
from shared.database import Transaction
from shared.events import ConfirmationResendRequested, RegistrationRequested, RegistrationWithdrawn
from shared.messaging.remembering import Memory, Told


def withdrawn(it: Registration, event: RegistrationWithdrawn) -> Registration | None:
    """None where it is known."""
    if it.withdrawal_asked_at is not None:
        return None
    return it._replace(
        withdrawal_asked_at=event.withdrawn_at,
        withdrawal_asked_by=event.withdrawn_by,
        withdrawal_reason=event.reason,
    )


def resend_asked(it: Registration, event: ConfirmationResendRequested) -> Registration | None:
    """None where it, or a later one, is known. Notifier's answer is read again after this, unless it is there."""
    if it.resend_requested_at is not None and event.requested_at <= it.resend_requested_at:
        return None
    answered = it.mail_sent_at is not None and it.mail_sent_at >= event.requested_at
    return it._replace(
        resend_requested_at=event.requested_at,
        resend_requested_by=event.requested_by,
        resend_awaited=not answered,
    )


async def take_back(told: Told, tx: Transaction) -> int:
    requested = {event.registration_id: event for event in reversed(told.of(RegistrationRequested))}
    changed = await store.add(tx, requested.values())
    asks: list[ConfirmationResendRequested | RegistrationWithdrawn] = [
        *told.of(ConfirmationResendRequested),
        *told.of(RegistrationWithdrawn),
    ]
    for event in sorted(asks, key=lambda it: it.registration_id):
        it = await store.lock_one(tx, event.registration_id, event.partner_id)
        if it is None:
            continue
        after = withdrawn(it, event) if isinstance(event, RegistrationWithdrawn) else resend_asked(it, event)
        if after is None:
            continue
        changed.add(it.registration_id)
        after = after._replace(changed_at=max(after.changed_at, happened_at(event)))
        entry = line(event, after.status, after.status, after.status.stage, note_of(event))
        await store.keep(tx, Asked(after, event, entry))
    return len(changed)


MEMORY = Memory((RegistrationRequested, ConfirmationResendRequested, RegistrationWithdrawn), take_back)
