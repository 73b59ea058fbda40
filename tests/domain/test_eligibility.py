"""Who may be registered, on which facts, and what partners learn of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.eligibility import (
    Account,
    AccountDeleted,
    AccountFact,
    Code,
    failing_conditions,
    partner_safe,
    remember,
)
from shared.events import Billing
from tests.domain.facts import CUSTOMER, account, account_updated

FAILING: dict[Code, dict[str, Any]] = {
    Code.HAS_CREDIT: {"credit_balance": 1},
    Code.USES_SERVICES: {"active_services": 1},
    Code.HAS_DISCOUNTS: {"active_discounts": 1},
    Code.IN_POC: {"in_poc": True},
    Code.NOT_PREPAID: {"billing": Billing.POSTPAID},
}


def known_after(*facts: AccountFact) -> Account | None:
    known = None
    for fact in facts:
        known = remember(known, fact)
    return known


def test_an_account_that_meets_every_condition_has_no_code() -> None:
    assert failing_conditions(account()) == []


def test_being_vngs_own_customer_is_no_condition() -> None:
    assert failing_conditions(account(vng_customer=True)) == []


@pytest.mark.parametrize(("code", "changes"), FAILING.items())
def test_each_condition_that_fails_has_its_code(code: Code, changes: dict[str, Any]) -> None:
    assert failing_conditions(account(**changes)) == [code]


def test_a_debt_is_a_balance_too() -> None:
    assert failing_conditions(account(credit_balance=-1)) == [Code.HAS_CREDIT]


def test_all_failing_codes_are_told_in_the_documents_order() -> None:
    changes = {name: value for change in FAILING.values() for name, value in change.items()}
    assert failing_conditions(account(**changes)) == list(FAILING)


@given(st.sets(st.sampled_from(list(FAILING))))
def test_any_set_of_failures_gives_exactly_its_codes(codes: set[Code]) -> None:
    changes = {name: value for code in codes for name, value in FAILING[code].items()}
    assert set(failing_conditions(account(**changes))) == codes


def test_an_account_never_heard_of_or_deleted_is_not_registered_and_nothing_else() -> None:
    assert failing_conditions(None) == [Code.NOT_REGISTERED]
    assert failing_conditions(account(deleted=True, credit_balance=5)) == [Code.NOT_REGISTERED]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_the_highest_version_wins_whatever_the_order(versions: list[int]) -> None:
    facts = [account_updated(version=version, credit_balance=version) for version in versions]
    assert known_after(*facts) == account(version=max(versions), credit_balance=max(versions))


def test_of_one_version_the_first_read_stays() -> None:
    assert known_after(account_updated(), account_updated(credit_balance=5)) == account()


def test_a_deleted_account_keeps_its_version_and_returns_with_a_higher_one() -> None:
    gone = known_after(account_updated(version=4), AccountDeleted(CUSTOMER))
    assert gone == account(version=4, deleted=True)
    assert remember(gone, account_updated(version=4)) == gone
    assert remember(gone, account_updated(version=3)) == gone
    assert remember(gone, account_updated(version=5)) == account(version=5)


def test_deleting_twice_or_what_nobody_knows_changes_nothing() -> None:
    gone = account(deleted=True)
    assert remember(gone, AccountDeleted(CUSTOMER)) == gone
    assert remember(None, AccountDeleted(CUSTOMER)) is None


@given(st.lists(st.sampled_from([*range(1, 5), "deleted"]), max_size=8))
def test_an_account_lives_exactly_while_its_newest_version_was_not_deleted(story: list[int | str]) -> None:
    known: Account | None = None
    highest, alive = 0, False
    for step in story:
        if isinstance(step, str):
            known, alive = remember(known, AccountDeleted(CUSTOMER)), False
        else:
            known = remember(known, account_updated(version=step))
            highest, alive = max(highest, step), alive or step > highest
        assert (known is not None and not known.deleted) == alive
        assert known is None or known == account(version=highest)._replace(deleted=not alive)


def test_partners_read_one_code_for_all_conditions_of_the_account() -> None:
    assert partner_safe(FAILING) == ("conditions_not_met",)
    assert partner_safe([Code.USES_SERVICES, Code.TOO_MANY_OPEN, Code.IN_POC]) == (
        "conditions_not_met",
        "too_many_open",
    )
    assert partner_safe([]) == ()


@pytest.mark.parametrize("code", sorted(set(Code) - set(FAILING)))
def test_partners_read_every_other_code_as_it_is(code: Code) -> None:
    safe = partner_safe([code])
    assert safe == (str(code),)
    assert type(safe[0]) is str


def test_a_deletion_that_comes_again_does_not_delete_the_account_that_came_after_it() -> None:
    gone: AccountFact = AccountDeleted(CUSTOMER)
    batch = [(account_updated(version=1), 10), (gone, 11), (account_updated(version=2), 12)]
    known: Account | None = None
    for fact, offset in [*batch, *batch, (gone, 11)]:
        known = remember(known, fact, offset)
    assert known is not None
    assert (known.version, known.deleted) == (2, False)
    after = remember(known, gone, 13)
    assert after is not None
    assert after.deleted


def test_the_record_that_an_account_came_with_deletes_nothing_and_a_deletion_is_known_by_its_own() -> None:
    known = account(offset=5)
    assert remember(known, AccountDeleted(CUSTOMER), 5) == known
    assert remember(known, AccountDeleted(CUSTOMER), 7) == known._replace(deleted=True, offset=7)
