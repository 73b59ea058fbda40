"""Who may be registered: what registrar decides on a request. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.registrar.domain import OPEN, Decided, Registration, Status, closed
from shared.eligibility import Account, Code, CurrentCustomers, failing_conditions, partner_safe
from shared.events import RegistrationOpened, RegistrationRequested, RegistrationWithdrawn
from shared.history import WRONG_PARTNER, moved, unmoved

WITHDRAWN_BEFORE = "withdrawn before the request was read"


@dataclass(frozen=True, slots=True)
class Policy:
    """Each registration asks its customer by mail: who withdrew `withdrawal_limit` of one customer's within
    `withdrawal_cooldown` asks this customer no more until then."""

    open_limit: int
    decline_cooldown: timedelta
    current_customers: CurrentCustomers
    withdrawal_limit: int = 5
    withdrawal_cooldown: timedelta = timedelta(days=7)


@dataclass(slots=True)
class Standing:
    """What else counts when requests are decided, as locked: folded through the batch, request by request."""

    accounts: Mapping[str, Account]
    held: set[str]
    open_count: Counter[str]
    declined: set[tuple[str, str]]
    """(customer_email, partner_id) of every decline within the cooldown."""
    withdrawals: Mapping[tuple[str, str], int]
    """How many registrations of a (customer_email, partner_id) were withdrawn within the cooldown."""
    withdrawn: Mapping[UUID, frozenset[str]]
    """The partners that withdrew a registration before it was requested."""


def open_registrations(
    requests: Iterable[RegistrationRequested],
    known: Mapping[UUID, Registration],
    standing: Standing,
    policy: Policy,
    now: datetime,
) -> Decided:
    decided = Decided()
    for request in requests:
        before = decided.new.get(request.registration_id) or known.get(request.registration_id)
        if before is None:
            _open(request, standing, policy, now, decided)
        elif (before.partner_id, before.customer_email) != (request.partner_id, request.customer_email):
            decided.misfits.append((request, "registration_id_reused"))
        else:
            decided.history.append(unmoved(before, request.type(), request.requested_by, now))
    return decided


def _open(request: RegistrationRequested, standing: Standing, policy: Policy, now: datetime, decided: Decided) -> None:
    withdrawn_by = standing.withdrawn.get(request.registration_id, frozenset())
    withdrawn = request.partner_id in withdrawn_by
    codes = () if withdrawn else failing_codes(request, standing, policy)
    status = Status.WITHDRAWN if withdrawn else Status.REFUSED if codes else Status.AWAITING_CONFIRMATION
    why = WITHDRAWN_BEFORE if withdrawn else ", ".join(codes) or None
    it = _registration(request, standing.accounts.get(request.customer_email), status, codes, now)
    if status in OPEN:
        standing.held.add(it.customer_email)
        standing.open_count[it.partner_id] += 1
    decided.new[it.registration_id] = it
    decided.history.append(moved(None, it, request.type(), request.requested_by, now, why))
    for stranger in sorted(withdrawn_by - {it.partner_id}):
        decided.history.append(unmoved(it, RegistrationWithdrawn.type(), stranger, now, note=WRONG_PARTNER))
    decided.told.append(
        RegistrationOpened.about(it, opened_at=now) if status in OPEN else closed(it, partner_safe(codes), now)
    )


def failing_codes(request: RegistrationRequested, standing: Standing, policy: Policy) -> tuple[Code, ...]:
    """Every reason to refuse `request`; none if the customer may be asked."""
    account = standing.accounts.get(request.customer_email)
    codes = failing_conditions(account)
    if request.customer_email in standing.held:
        codes.append(Code.ALREADY_REGISTERED)
    if account and not account.deleted and account.vng_customer and policy.current_customers is CurrentCustomers.REFUSE:
        codes.append(Code.CURRENT_CUSTOMER)
    if standing.open_count[request.partner_id] >= policy.open_limit:
        codes.append(Code.TOO_MANY_OPEN)
    if (request.customer_email, request.partner_id) in standing.declined:
        codes.append(Code.DECLINED_RECENTLY)
    if standing.withdrawals.get((request.customer_email, request.partner_id), 0) >= policy.withdrawal_limit:
        codes.append(Code.WITHDRAWN_TOO_OFTEN)
    return tuple(codes)


def _registration(
    request: RegistrationRequested, account: Account | None, status: Status, codes: tuple[Code, ...], now: datetime
) -> Registration:
    known = account if account and not account.deleted else None
    return Registration(
        registration_id=request.registration_id,
        batch_id=request.batch_id,
        partner_id=request.partner_id,
        partner_name=request.partner_name,
        customer_email=request.customer_email,
        common_name=request.common_name,
        role=request.role,
        locale=known.locale if known else None,
        account_id=known.account_id if known else None,
        requested_by=request.requested_by,
        requester_locale=request.requester_locale,
        status=status,
        version=1,
        codes=codes,
        requested_at=request.requested_at,
        changed_at=now,
    )
