"""The conditions on an account beside what the account says, each by itself: what fails is seen at a glance. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from services.approver.facts import Facts, Value
from shared.eligibility import Code

_FACT_OF = {
    Code.NOT_REGISTERED: "registered",
    Code.HAS_CREDIT: "credit_balance",
    Code.USES_SERVICES: "active_services",
    Code.HAS_DISCOUNTS: "active_discounts",
    Code.IN_POC: "in_poc",
    Code.NOT_PREPAID: "billing",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`code` is the code of its failing. `holds` is None where there is no account of which it could be said."""

    code: str
    fact: str
    says: Value
    holds: bool | None


def conditions(facts: Facts | None, failing: Collection[str]) -> list[Condition]:
    """In the document's order. That the account is no customer of VNG's own is a condition only where the policy makes
    it one, and is shown only when it fails."""
    checked = dict(_FACT_OF)
    if Code.CURRENT_CUSTOMER in failing:
        checked[Code.CURRENT_CUSTOMER] = "vng_customer"
    return [_condition(code, name, facts, failing) for code, name in checked.items()]


def _condition(code: Code, name: str, facts: Facts | None, failing: Collection[str]) -> Condition:
    if name == "registered":
        return Condition(code, name, facts is not None, code not in failing)
    if facts is None:
        return Condition(code, name, None, None)
    return Condition(code, name, getattr(facts, name), code not in failing)
