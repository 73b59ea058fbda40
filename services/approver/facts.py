"""What a case is judged on: the facts about its account when it was opened, and what has changed since. Pure."""

from dataclasses import dataclass, fields
from operator import attrgetter

from shared.eligibility import Account
from shared.events import Billing

Value = bool | int | str | Billing | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Whose account it is, too: an address may come to belong to another account."""

    account_id: str
    holder_name: str
    billing: Billing
    credit_balance: int
    active_services: int
    active_discounts: int
    in_poc: bool
    vng_customer: bool


_NAMES = tuple(it.name for it in fields(Facts))
_of = attrgetter(*_NAMES)


@dataclass(frozen=True, slots=True)
class Change:
    """One fact. `then` or `now` is None where there was, or is, no account."""

    name: str
    then: Value
    now: Value


def facts_of(account: Account | None) -> Facts | None:
    """None where there is no such account, or no longer."""
    if account is None or account.deleted:
        return None
    return Facts(*_of(account))


def changed_facts(then: Facts | None, now: Facts | None) -> list[Change]:
    """In the order of the fields. An account that came or went is told first, as `registered`."""
    came_or_went = (then is None) != (now is None)
    changes = [Change("registered", then is not None, now is not None)] if came_or_went else []
    for name in _NAMES:
        before, after = getattr(then, name, None), getattr(now, name, None)
        if before != after:
            changes.append(Change(name, before, after))
    return changes
