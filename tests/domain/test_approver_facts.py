"""What a reviewer is told has changed of an account since they looked."""

import pytest

from services.approver.facts import Change, changed_facts, facts_of
from shared import events
from shared.eligibility import Account
from tests.domain.facts import (
    CUSTOMER,
    account,
)

NO_ACCOUNT = account(deleted=True)


@pytest.mark.parametrize(
    ("then", "now", "changes"),
    [
        (account(), account(version=7, locale=events.Locale.EN), []),
        (
            account(),
            account(account_id="another", holder_name="Trần Khác"),
            [
                Change("account_id", f"account of {CUSTOMER}", "another"),
                Change("holder_name", "Nguyễn Văn Khách", "Trần Khác"),
            ],
        ),
        (account(), account(credit_balance=-5), [Change("credit_balance", 0, -5)]),
        (
            account(in_poc=True),
            account(vng_customer=True, billing=events.Billing.POSTPAID),
            [
                Change("billing", events.Billing.PREPAID, events.Billing.POSTPAID),
                Change("in_poc", True, False),
                Change("vng_customer", False, True),
            ],
        ),
        (None, NO_ACCOUNT, []),
    ],
)
def test_what_has_changed_is_what_decisions_rest_on(
    then: Account | None, now: Account | None, changes: list[Change]
) -> None:
    assert changed_facts(facts_of(then), facts_of(now)) == changes


@pytest.mark.parametrize("none", [None, NO_ACCOUNT])
def test_an_account_that_came_or_went_is_told_first_and_fact_by_fact(none: Account | None) -> None:
    came = changed_facts(facts_of(none), facts_of(account(active_services=2)))
    assert came[0] == Change("registered", False, True)
    assert Change("active_services", None, 2) in came and Change("in_poc", None, False) in came
    went = changed_facts(facts_of(account(active_services=2)), facts_of(none))
    assert went == [Change(it.name, it.now, it.then) for it in came]
