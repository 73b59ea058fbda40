"""What registrar takes back from its own events once its database has been set back: its decisions. Each was told, so
none is taken anew."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from services.registrar import store
from services.registrar.domain import OPEN, Decided, Registration, Status
from shared.database import Transaction
from shared.eligibility import Account
from shared.events import (
    ConfirmationExpired,
    CustomerDeclined,
    Event,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    RegistrationRequested,
    RegistrationWithdrawn,
    VngApproved,
    VngRejected,
)
from shared.history import Entry, moved
from shared.messaging.remembering import Memory, Told
from shared.stores import find_accounts

Final = RegistrationApproved | RegistrationClosed

_CAUSE: Mapping[Outcome, type[Event]] = {
    Outcome.DECLINED: CustomerDeclined,
    Outcome.EXPIRED: ConfirmationExpired,
    Outcome.WITHDRAWN: RegistrationWithdrawn,
    Outcome.REJECTED: VngRejected,
}
_AT_ONCE = frozenset({Outcome.REFUSED, Outcome.WITHDRAWN})
"""How a registration may end that was never opened."""


def remember(
    opened: Iterable[RegistrationOpened],
    finals: Iterable[Final],
    requests: Mapping[UUID, RegistrationRequested],
    known: Mapping[UUID, Registration],
    accounts: Mapping[str, Account],
) -> Decided:
    """The registrations as these events say. What is known is kept, and nothing is told."""
    decided = Decided()

    def begin(event: RegistrationOpened | Final, status: Status) -> Registration:
        it = _begun(event, status, requests.get(event.registration_id), accounts.get(event.customer_email))
        decided.new[it.registration_id] = it
        why = ", ".join(it.codes) or None
        decided.history.append(moved(None, it, RegistrationRequested.type(), it.requested_by, it.changed_at, why))
        return it

    for event in opened:
        if event.registration_id not in known and event.registration_id not in decided.new:
            begin(event, Status.AWAITING_CONFIRMATION)
    for final in finals:
        key = final.registration_id
        before = decided.new.get(key) or decided.changed.get(key) or known.get(key)
        if before is None and isinstance(final, RegistrationClosed) and final.outcome in _AT_ONCE:
            begin(final, Status(final.outcome.value))
            continue
        before = before or begin(final, Status.AWAITING_CONFIRMATION)
        if before.status in OPEN:
            after, entry = _ended(before, final)
            (decided.new if key in decided.new else decided.changed)[key] = after
            decided.history.append(entry)
    return decided


def _begun(
    event: RegistrationOpened | Final, status: Status, request: RegistrationRequested | None, account: Account | None
) -> Registration:
    at = event.opened_at if isinstance(event, RegistrationOpened) else _at(event)
    return Registration(
        registration_id=event.registration_id,
        batch_id=request.batch_id if request else None,
        partner_id=event.partner_id,
        partner_name=event.partner_name,
        customer_email=event.customer_email,
        common_name=event.common_name,
        role="Partner",
        locale=event.locale,
        account_id=account.account_id if account and not account.deleted else None,
        requested_by=event.requested_by,
        requester_locale=event.requester_locale,
        status=status,
        version=1,
        codes=event.reasons if isinstance(event, RegistrationClosed) and status is Status.REFUSED else (),
        requested_at=request.requested_at if request else at,
        changed_at=at,
    )


def _ended(before: Registration, final: Final) -> tuple[Registration, Entry]:
    at = _at(final)
    after = before._replace(version=before.version + 1, changed_at=at)
    if isinstance(final, RegistrationApproved):
        after = after._replace(status=Status.APPROVED, account_id=final.account_id, locale=final.locale)
        return after, moved(before, after, VngApproved.type(), final.approved_by, at)
    after = after._replace(status=Status(final.outcome.value), locale=final.locale)
    cause = _CAUSE[final.outcome].type()
    return after, moved(before, after, cause, _actor(final), at, ", ".join(final.reasons) or None)


def _at(final: Final) -> datetime:
    return final.approved_at if isinstance(final, RegistrationApproved) else final.closed_at


def _actor(final: RegistrationClosed) -> str:
    """As far as the event says: who withdrew or rejected is in the event that is read again."""
    match final.outcome:
        case Outcome.DECLINED:
            return final.customer_email
        case Outcome.EXPIRED:
            return "notifier"
        case _:
            return "registrar"


async def take_back(told: Told, tx: Transaction) -> int:
    opened = told.of(RegistrationOpened)
    finals: list[Final] = [*told.of(RegistrationApproved), *told.of(RegistrationClosed)]
    known = await store.lock(tx, [event.registration_id for event in (*opened, *finals)])
    accounts = await find_accounts(tx, [event.customer_email for event in opened])
    requests = {event.registration_id: event for event in told.of(RegistrationRequested)}
    decided = remember(opened, finals, requests, known, accounts)
    await store.save(tx, Decided(changed=decided.changed))  # first: what has ended holds its account no more
    await store.save(tx, Decided(new=decided.new, history=decided.history))
    return len(decided.new) + len(decided.changed)


MEMORY = Memory((RegistrationRequested, RegistrationOpened, RegistrationApproved, RegistrationClosed), take_back)
