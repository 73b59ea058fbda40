"""Each condition stands beside what the account says, and fails where its code says so."""

from hypothesis import given
from hypothesis import strategies as st

from services.approver.facts import facts_of
from services.approver.pages.conditions import conditions
from services.approver.policy import failing_codes
from shared.eligibility import CONDITIONS, Account, Code, CurrentCustomers
from shared.events import Billing
from tests.domain.facts import account

ACCOUNTS = st.none() | st.builds(
    account,
    billing=st.sampled_from(Billing),
    credit_balance=st.sampled_from([-1, 0, 5]),
    active_services=st.integers(0, 1),
    active_discounts=st.integers(0, 1),
    in_poc=st.booleans(),
    vng_customer=st.booleans(),
    deleted=st.booleans(),
)


@given(it=ACCOUNTS, policy=st.sampled_from(CurrentCustomers))
def test_the_rows_that_fail_are_the_codes_that_fail(it: Account | None, policy: CurrentCustomers) -> None:
    facts, failing = facts_of(it), failing_codes(it, policy)
    shown = {row.code: row for row in conditions(facts, failing)}
    assert {code for code, row in shown.items() if row.holds is False} == set(failing)
    assert shown.keys() >= CONDITIONS | {Code.NOT_REGISTERED}
    assert {code for code, row in shown.items() if row.holds is None} == (set() if facts else CONDITIONS)
    for code, row in shown.items():
        assert row.says == (facts is not None if code == Code.NOT_REGISTERED else getattr(facts, row.fact, None))
