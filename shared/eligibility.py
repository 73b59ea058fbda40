"""What an account must satisfy to be registered for a partner: facts in, failing codes out. Pure.

Registrar asks when a registration is requested, approver asks again before approving, each on the facts that it keeps
from `AccountUpdated`. All failing codes are told, not the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from shared.events import AccountUpdated, Billing, Locale


class Code(StrEnum):
    NOT_REGISTERED = "not_registered"
    HAS_CREDIT = "has_credit"
    USES_SERVICES = "uses_services"
    HAS_DISCOUNTS = "has_discounts"
    IN_POC = "in_poc"
    NOT_PREPAID = "not_prepaid"
    ALREADY_REGISTERED = "already_registered"
    CURRENT_CUSTOMER = "current_customer"
    TOO_MANY_OPEN = "too_many_open"
    DECLINED_RECENTLY = "declined_recently"
    WITHDRAWN_TOO_OFTEN = "withdrawn_too_often"


CONDITIONS = frozenset({Code.HAS_CREDIT, Code.USES_SERVICES, Code.HAS_DISCOUNTS, Code.IN_POC, Code.NOT_PREPAID})
CONDITIONS_NOT_MET = "conditions_not_met"


class CurrentCustomers(StrEnum):
    """`APPROVAL_FOR_CURRENT_CUSTOMERS`: what happens to an account that already is VNG's own customer."""

    SKIP = "skip"
    REVIEW = "review"
    REFUSE = "refuse"


class Account(NamedTuple):
    """The newest facts about one account; `deleted` keeps the version that a later one must exceed."""

    email: str
    account_id: str
    holder_name: str
    locale: Locale
    billing: Billing
    credit_balance: int
    active_services: int
    active_discounts: int
    in_poc: bool
    vng_customer: bool
    version: int
    deleted: bool = False
    offset: int = -1
    """Of the record that these facts came with: a deletion at or before it is an old one, come again."""


@dataclass(frozen=True, slots=True)
class AccountDeleted:
    """A null value on the accounts' topic: the account no longer exists."""

    email: str


AccountFact = AccountUpdated | AccountDeleted


def account_from(event: AccountUpdated) -> Account:
    return Account(**event.model_dump(exclude={"updated_at"}))


def remember(known: Account | None, fact: AccountFact, offset: int | None = None) -> Account | None:
    """The account after `fact`: the highest version wins, whatever the order of arrival.

    A deletion has no version; the `offset` of its record tells one that comes again from a new one.
    """
    if isinstance(fact, AccountDeleted):
        if known is None or (offset is not None and offset <= known.offset):
            return known
        return known._replace(deleted=True, offset=known.offset if offset is None else offset)
    if known and fact.version <= known.version:
        return known
    return account_from(fact)._replace(offset=-1 if offset is None else offset)


def failing_conditions(account: Account | None) -> list[Code]:
    """The conditions on the account itself that do not hold, in the document's order."""
    if account is None or account.deleted:
        return [Code.NOT_REGISTERED]
    failing = {
        Code.HAS_CREDIT: account.credit_balance != 0,
        Code.USES_SERVICES: account.active_services > 0,
        Code.HAS_DISCOUNTS: account.active_discounts > 0,
        Code.IN_POC: account.in_poc,
        Code.NOT_PREPAID: account.billing is not Billing.PREPAID,
    }
    return [code for code, fails in failing.items() if fails]


def partner_safe(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that partners may read: an account's finances are not theirs, so its conditions become one code."""
    return tuple(dict.fromkeys(CONDITIONS_NOT_MET if code in CONDITIONS else str(code) for code in codes))
