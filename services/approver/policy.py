"""What `APPROVAL_FOR_CURRENT_CUSTOMERS` says of an account that already is VNG's own customer. Pure."""

from datetime import datetime
from uuid import UUID

from shared.eligibility import Account, Code, CurrentCustomers, failing_conditions
from shared.events import VngApproved, VngRejected

BY_POLICY = "policy:current-customer"

Decision = VngApproved | VngRejected


def is_current_customer(account: Account | None) -> bool:
    """Whether VNG has the account as a customer of its own."""
    return account is not None and not account.deleted and account.vng_customer


def decide_by_policy(
    registration_id: UUID, account: Account | None, policy: CurrentCustomers, now: datetime
) -> Decision | None:
    """The decision on an account that is VNG's own customer; None where staff decide."""
    if not is_current_customer(account):
        return None
    if policy is CurrentCustomers.SKIP and not failing_conditions(account):
        return VngApproved(registration_id=registration_id, approved_by=BY_POLICY, approved_at=now)
    if policy is CurrentCustomers.REFUSE:
        reason = Code.CURRENT_CUSTOMER.value
        return VngRejected(registration_id=registration_id, rejected_by=BY_POLICY, reason=reason, rejected_at=now)
    return None


def failing_codes(account: Account | None, policy: CurrentCustomers) -> tuple[Code, ...]:
    """Why the account may not be approved without a reason, on the facts as they are now."""
    codes = failing_conditions(account)
    if policy is CurrentCustomers.REFUSE and is_current_customer(account):
        codes.append(Code.CURRENT_CUSTOMER)
    return tuple(codes)
