"""Registrar's decisions: given a registrar, when it hears batches of events, then what it keeps and tells."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registrar import domain, opening
from services.registrar.domain import OPEN, TRANSITIONS, Fact, Registration, Status
from services.registrar.opening import WITHDRAWN_BEFORE, Policy, Standing
from shared import events
from shared.eligibility import Account, Code, CurrentCustomers
from shared.events import (
    Billing,
    CustomerConfirmed,
    Event,
    Locale,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
    RegistrationRequested,
)
from shared.history import NO_EFFECT, WRONG_PARTNER, Entry
from tests.domain.batches import repeated, some_of, split
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    NOW,
    ONE,
    OTHER_PARTNER,
    THREE,
    TWO,
    account,
    confirmed,
    declined,
    expired,
    requested,
    vng_approved,
    vng_rejected,
    withdrawn,
)

POLICY = Policy(open_limit=100, decline_cooldown=timedelta(days=30), current_customers=CurrentCustomers.SKIP)
FINAL = RegistrationApproved | RegistrationClosed


class Registrar:
    """Registrar with dicts in place of its tables."""

    def __init__(self, *accounts: Account, policy: Policy = POLICY) -> None:
        self.registrations: dict[UUID, Registration] = {}
        self.history: list[Entry] = []
        self.told: list[Event] = []
        self.quarantined: list[tuple[Event, str]] = []
        self.early: dict[UUID, frozenset[str]] = {}
        self._accounts = {it.email: it for it in accounts or (account(),)}
        self._policy = policy

    def hears(self, *batch: RegistrationRequested | Fact, at: datetime = NOW) -> "Registrar":
        """Requests in one batch, then the other facts in one, as each topic has its own."""
        requests = [event for event in batch if isinstance(event, RegistrationRequested)]
        facts = [event for event in batch if not isinstance(event, RegistrationRequested)]
        if requests:
            standing = self._standing(at)
            self._keep(opening.open_registrations(requests, self.registrations, standing, self._policy, at))
        if facts:
            self._keep(domain.advance(facts, self.registrations, at))
        return self

    def status(self, registration_id: UUID = ONE) -> Status:
        return self.registrations[registration_id].status

    def finals(self) -> list[Event]:
        return [event for event in self.told if isinstance(event, FINAL)]

    def closed(self, registration_id: UUID = ONE) -> RegistrationClosed:
        [it] = (e for e in self.told if isinstance(e, RegistrationClosed) and e.registration_id == registration_id)
        return it

    def _standing(self, now: datetime) -> Standing:
        them = self.registrations.values()
        return Standing(
            accounts=self._accounts,
            held={it.customer_email for it in them if it.status in domain.HOLDING},
            open_count=Counter(it.partner_id for it in them if it.status in OPEN),
            declined={
                (it.customer_email, it.partner_id)
                for it in them
                if it.status is Status.DECLINED and it.changed_at > now - self._policy.decline_cooldown
            },
            withdrawals=Counter(
                (it.customer_email, it.partner_id)
                for it in them
                if it.status is Status.WITHDRAWN
                and it.version > 1
                and it.changed_at > now - self._policy.withdrawal_cooldown
            ),
            withdrawn=self.early,
        )

    def _keep(self, decided: domain.Decided) -> None:
        self.registrations |= decided.new | decided.changed
        self.history += decided.history
        self.told += decided.told
        self.quarantined += decided.misfits
        for it in decided.early:
            self.early[it.registration_id] = self.early.get(it.registration_id, frozenset()) | {it.partner_id}
        for registration_id in decided.new:
            self.early.pop(registration_id, None)


def changes_nothing(registrar: Registrar, *batch: RegistrationRequested | Fact) -> None:
    before, told = dict(registrar.registrations), list(registrar.told)
    noted = len(registrar.history)
    registrar.hears(*batch)
    assert (registrar.registrations, registrar.told, registrar.quarantined) == (before, told, [])
    assert [entry.note for entry in registrar.history[noted:]] == [NO_EFFECT] * len(batch)


def refused(*codes: str, changes: dict[str, Any] | None = None, policy: Policy = POLICY) -> Registrar:
    registrar = Registrar(account(**changes or {}), policy=policy).hears(requested())
    assert registrar.status() is Status.REFUSED
    assert registrar.registrations[ONE].codes == codes
    return registrar


def test_a_request_for_an_eligible_account_opens_a_registration_and_says_all_of_it() -> None:
    registrar = Registrar(account(locale=Locale.EN, account_id="a-17")).hears(requested())
    assert registrar.told == [RegistrationOpened.about(requested(), locale=Locale.EN, opened_at=NOW)]
    it = registrar.registrations[ONE]
    assert (it.status, it.version, it.codes, it.account_id) == (Status.AWAITING_CONFIRMATION, 1, (), "a-17")


def test_a_current_customer_may_be_registered_unless_the_policy_refuses() -> None:
    for policy in (CurrentCustomers.SKIP, CurrentCustomers.REVIEW):
        registrar = Registrar(account(vng_customer=True), policy=Policy(100, 30 * DAY, policy)).hears(requested())
        assert registrar.status() is Status.AWAITING_CONFIRMATION


def test_a_current_customer_is_refused_under_that_policy() -> None:
    policy = Policy(100, 30 * DAY, CurrentCustomers.REFUSE)
    registrar = refused("current_customer", changes={"vng_customer": True}, policy=policy)
    assert registrar.closed().reasons == ("current_customer",)
    assert Registrar(account(), policy=policy).hears(requested()).status() is Status.AWAITING_CONFIRMATION


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"credit_balance": 1}, Code.HAS_CREDIT),
        ({"active_services": 1}, Code.USES_SERVICES),
        ({"active_discounts": 1}, Code.HAS_DISCOUNTS),
        ({"in_poc": True}, Code.IN_POC),
        ({"billing": Billing.POSTPAID}, Code.NOT_PREPAID),
    ],
)
def test_a_condition_that_fails_is_kept_by_its_code_and_told_as_one_for_all(
    changes: dict[str, Any], code: Code
) -> None:
    registrar = refused(code, changes=changes)
    assert registrar.closed().reasons == ("conditions_not_met",)
    assert registrar.history[0].reason == code


def test_an_unknown_or_deleted_account_is_refused_as_not_registered() -> None:
    for registrar in (
        refused("not_registered", changes={"email": "x@y.vn"}),
        refused("not_registered", changes={"deleted": True}),
    ):
        closed = registrar.closed()
        assert (closed.outcome, closed.reasons, closed.locale) == (Outcome.REFUSED, ("not_registered",), None)
        assert registrar.registrations[ONE].account_id is None


def test_every_code_that_fails_is_kept() -> None:
    policy = Policy(open_limit=0, decline_cooldown=30 * DAY, current_customers=CurrentCustomers.REFUSE)
    poor = account(credit_balance=1, active_services=1, active_discounts=1, in_poc=True, billing=Billing.POSTPAID,
                   vng_customer=True)  # fmt: skip
    ours = (CUSTOMER, "p-1")
    often = {ours: policy.withdrawal_limit}
    standing = Standing({CUSTOMER: poor}, {CUSTOMER}, Counter(), declined={ours}, withdrawals=often, withdrawn={})
    codes = opening.failing_codes(requested(), standing, policy)
    assert set(codes) == set(Code) - {Code.NOT_REGISTERED}
    assert len(codes) == len(set(codes))


def test_a_closed_event_says_whose_registration_it_was() -> None:
    closed = refused("in_poc", changes={"in_poc": True}).closed()
    expected = RegistrationClosed.about(
        requested(), locale=Locale.VI, outcome=Outcome.REFUSED, reasons=("conditions_not_met",), closed_at=NOW
    )
    assert closed == expected


def test_the_second_request_for_an_account_is_refused_in_one_batch_and_in_two() -> None:
    first, second = requested(ONE), requested(TWO, **OTHER_PARTNER)
    for registrar in (Registrar().hears(first, second), Registrar().hears(first).hears(second)):
        assert registrar.status(ONE) is Status.AWAITING_CONFIRMATION
        assert registrar.registrations[TWO].codes == ("already_registered",)
        assert registrar.closed(TWO).reasons == ("already_registered",)


def test_who_holds_an_account_is_never_named_to_the_other_partner() -> None:
    registrar = Registrar().hears(requested(ONE, common_name="Nhãn riêng"), requested(TWO, **OTHER_PARTNER))
    told = registrar.closed(TWO).model_dump_json()
    assert all(secret not in told for secret in ("p-1", "Công ty Đối Tác", "Nhãn riêng", str(ONE)))


def test_an_account_stays_held_once_approved_and_is_free_again_after_an_end() -> None:
    approved = Registrar().hears(requested(ONE)).hears(vng_approved(ONE))
    assert approved.hears(requested(TWO)).registrations[TWO].codes == ("already_registered",)
    rejected = Registrar().hears(requested(ONE)).hears(vng_rejected(ONE))
    assert rejected.hears(requested(TWO)).status(TWO) is Status.AWAITING_CONFIRMATION


def test_a_refused_request_holds_nothing() -> None:
    registrar = Registrar(policy=Policy(1, 30 * DAY, CurrentCustomers.SKIP))
    registrar.hears(requested(ONE, customer_email="unknown@y.vn"), requested(TWO))
    assert registrar.status(TWO) is Status.AWAITING_CONFIRMATION


def test_a_partner_has_no_more_open_than_the_limit_within_one_batch_and_over_several() -> None:
    accounts = [account(f"k{n}@x.vn") for n in range(3)]
    requests = [requested(it, customer_email=f"k{n}@x.vn") for n, it in enumerate((ONE, TWO, THREE))]
    limit = Policy(2, 30 * DAY, CurrentCustomers.SKIP)
    for registrar in (
        Registrar(*accounts, policy=limit).hears(*requests),
        Registrar(*accounts, policy=limit).hears(requests[0]).hears(requests[1], requests[2]),
    ):
        assert [it.codes for it in registrar.registrations.values()] == [(), (), ("too_many_open",)]
        assert registrar.closed(THREE).reasons == ("too_many_open",)


def test_only_open_registrations_of_that_partner_count_to_its_limit() -> None:
    accounts = [account(f"k{n}@x.vn") for n in range(2)]
    registrar = Registrar(*accounts, policy=Policy(1, 30 * DAY, CurrentCustomers.SKIP))
    registrar.hears(requested(ONE, customer_email="k0@x.vn")).hears(vng_approved(ONE))
    registrar.hears(requested(TWO, customer_email="k1@x.vn"))
    assert registrar.status(TWO) is Status.AWAITING_CONFIRMATION
    other = requested(THREE, customer_email="k0@x.vn", **OTHER_PARTNER)
    assert Code.TOO_MANY_OPEN not in registrar.hears(other).registrations[THREE].codes


def test_a_customer_who_declined_is_left_in_peace_by_that_partner_for_the_cooldown() -> None:
    registrar = Registrar().hears(requested(ONE)).hears(declined(ONE))
    soon, later = NOW + 29 * DAY, NOW + 30 * DAY
    assert registrar.hears(requested(TWO), at=soon).registrations[TWO].codes == ("declined_recently",)
    assert registrar.closed(TWO).reasons == ("declined_recently",)
    assert registrar.hears(requested(THREE), at=later).status(THREE) is Status.AWAITING_CONFIRMATION


def test_a_decline_concerns_no_other_partner() -> None:
    registrar = Registrar().hears(requested(ONE)).hears(declined(ONE))
    assert registrar.hears(requested(TWO, **OTHER_PARTNER)).status(TWO) is Status.AWAITING_CONFIRMATION


def _withdraws(registrar: Registrar, times: int, at: datetime = NOW) -> Registrar:
    for n in range(times):
        it = UUID(int=n + 1)
        registrar.hears(requested(it), at=at).hears(withdrawn(it), at=at)
    return registrar


def test_who_withdraws_a_customer_again_and_again_asks_no_more_for_the_cooldown() -> None:
    registrar = _withdraws(Registrar(), POLICY.withdrawal_limit)
    soon, later = NOW + 6 * DAY, NOW + 7 * DAY
    assert registrar.hears(requested(TWO), at=soon).registrations[TWO].codes == ("withdrawn_too_often",)
    assert registrar.closed(TWO).reasons == ("withdrawn_too_often",)
    assert registrar.hears(requested(THREE), at=later).status(THREE) is Status.AWAITING_CONFIRMATION


def test_withdrawals_below_the_limit_keep_nobody_from_asking_again() -> None:
    registrar = _withdraws(Registrar(), POLICY.withdrawal_limit - 1)
    assert registrar.hears(requested(TWO)).status(TWO) is Status.AWAITING_CONFIRMATION


def test_one_partners_withdrawals_concern_no_other_partner_and_no_other_customer() -> None:
    registrar = _withdraws(Registrar(account(), account("k1@x.vn")), POLICY.withdrawal_limit)
    assert registrar.hears(requested(TWO, **OTHER_PARTNER)).status(TWO) is Status.AWAITING_CONFIRMATION
    assert registrar.hears(requested(THREE, customer_email="k1@x.vn")).status(THREE) is Status.AWAITING_CONFIRMATION


def test_what_was_withdrawn_before_anybody_was_asked_is_not_counted() -> None:
    registrar = Registrar()
    for n in range(POLICY.withdrawal_limit):
        registrar.hears(withdrawn(UUID(int=n + 1))).hears(requested(UUID(int=n + 1)))
    assert registrar.hears(requested(TWO)).status(TWO) is Status.AWAITING_CONFIRMATION


def test_a_request_that_comes_again_changes_nothing_in_its_batch_and_later() -> None:
    registrar = Registrar().hears(requested(), requested())
    assert [type(event) for event in registrar.told] == [RegistrationOpened]
    changes_nothing(registrar, requested())
    changes_nothing(registrar.hears(confirmed()).hears(vng_rejected()), requested())


@pytest.mark.parametrize("changed", [{"partner_id": "p-2"}, {"customer_email": "other@x.vn"}])
def test_a_known_id_for_another_partner_or_address_is_quarantined(changed: dict[str, Any]) -> None:
    reuse = requested(**changed)
    for registrar in (Registrar().hears(requested(), reuse), Registrar().hears(requested()).hears(reuse)):
        assert registrar.quarantined == [(reuse, "registration_id_reused")]
        assert len(registrar.told) == len(registrar.history) == 1
        assert registrar.registrations[ONE].partner_id == "p-1"


@pytest.mark.parametrize("fact", [confirmed(), declined(), expired(), vng_approved(), vng_rejected()])
def test_a_fact_about_an_unknown_registration_is_quarantined(fact: Fact) -> None:
    registrar = Registrar().hears(fact)
    assert registrar.quarantined == [(fact, "unknown_registration")]
    assert (registrar.registrations, registrar.told, registrar.history) == ({}, [], [])


def test_a_confirmed_registration_awaits_approval_and_nothing_is_told_yet() -> None:
    registrar = Registrar().hears(requested()).hears(confirmed())
    assert registrar.status() is Status.AWAITING_APPROVAL
    assert len(registrar.told) == 1


def test_an_approval_ends_it_and_says_all_of_it() -> None:
    registrar = Registrar(account(locale=Locale.VI, account_id="a-17")).hears(requested()).hears(confirmed())
    registrar.hears(vng_approved(), at=NOW + DAY)
    assert registrar.finals() == [
        RegistrationApproved.about(
            requested(), account_id="a-17", locale=Locale.VI, approved_by="lan@vng.example", approved_at=NOW + DAY
        )
    ]


def test_an_approval_read_before_the_confirmation_approves_and_the_late_confirmation_changes_nothing() -> None:
    registrar = Registrar().hears(requested()).hears(vng_approved())
    assert registrar.status() is Status.APPROVED
    changes_nothing(registrar, confirmed())


def test_a_second_approval_changes_nothing() -> None:
    registrar = Registrar().hears(requested()).hears(vng_approved())
    changes_nothing(registrar, vng_approved(approved_by="another@vng.example"))


def test_a_decline_closes_it_with_the_customers_reason_or_none() -> None:
    assert Registrar().hears(requested()).hears(declined(reason="Không quen")).closed().reasons == ("Không quen",)
    silent = Registrar().hears(requested()).hears(declined(reason=None)).closed()
    assert (silent.outcome, silent.reasons) == (Outcome.DECLINED, ())


def test_a_decline_after_the_confirmation_changes_nothing() -> None:
    changes_nothing(Registrar().hears(requested()).hears(confirmed()), declined())


def test_a_rejection_closes_it_with_its_reason_before_or_after_the_confirmation() -> None:
    for registrar in (Registrar().hears(requested()), Registrar().hears(requested()).hears(confirmed())):
        closed = registrar.hears(vng_rejected(reason="Hồ sơ thiếu")).closed()
        assert (closed.outcome, closed.reasons) == (Outcome.REJECTED, ("Hồ sơ thiếu",))


def test_a_confirmation_that_ran_out_closes_it_and_only_while_it_was_waited_for() -> None:
    closed = Registrar().hears(requested()).hears(expired()).closed()
    assert (closed.outcome, closed.reasons) == (Outcome.EXPIRED, ())
    changes_nothing(Registrar().hears(requested()).hears(confirmed()), expired())


def test_a_withdrawal_closes_an_open_registration_with_who_and_why() -> None:
    for registrar in (Registrar().hears(requested()), Registrar().hears(requested()).hears(confirmed())):
        closed = registrar.hears(withdrawn(reason="Sai địa chỉ")).closed()
        assert (closed.outcome, closed.reasons) == (Outcome.WITHDRAWN, ("Sai địa chỉ",))
        assert (registrar.history[-1].actor, registrar.history[-1].reason) == ("staff@partner.example", "Sai địa chỉ")


def test_of_a_withdrawal_and_an_approval_the_first_that_was_seen_holds() -> None:
    for first, second, status in (
        (withdrawn(), vng_approved(), Status.WITHDRAWN),
        (vng_approved(), withdrawn(), Status.APPROVED),
    ):
        registrar = Registrar().hears(requested()).hears(confirmed()).hears(first)
        changes_nothing(registrar, second)
        assert registrar.status() is status


def test_a_withdrawal_read_before_its_request_withdraws_it_and_the_customer_is_never_asked() -> None:
    registrar = Registrar().hears(withdrawn())
    assert (registrar.told, registrar.history, registrar.quarantined) == ([], [], [])
    registrar.hears(requested())
    assert registrar.status() is Status.WITHDRAWN
    expected = RegistrationClosed.about(
        requested(), locale=Locale.VI, outcome=Outcome.WITHDRAWN, reasons=(), closed_at=NOW
    )
    assert registrar.told == [expected]
    assert [(line.status_to, line.reason) for line in registrar.history] == [("withdrawn", WITHDRAWN_BEFORE)]
    changes_nothing(registrar, requested(), withdrawn(), confirmed())


def test_a_registration_withdrawn_before_its_request_holds_neither_account_nor_place() -> None:
    registrar = Registrar(policy=Policy(1, 30 * DAY, CurrentCustomers.SKIP)).hears(withdrawn(ONE))
    registrar.hears(requested(ONE), requested(TWO))
    assert (registrar.status(ONE), registrar.status(TWO)) == (Status.WITHDRAWN, Status.AWAITING_CONFIRMATION)


def test_another_partners_withdrawal_changes_nothing_and_is_noted_before_and_after_the_request() -> None:
    foreign = withdrawn(partner_id="p-2")
    for registrar in (Registrar().hears(foreign).hears(requested()), Registrar().hears(requested()).hears(foreign)):
        assert registrar.status() is Status.AWAITING_CONFIRMATION
        assert [type(event) for event in registrar.told] == [RegistrationOpened]
        assert [(line.event, line.note) for line in registrar.history] == [
            ("RegistrationRequested", ""),
            ("RegistrationWithdrawn", WRONG_PARTNER),
        ]


def test_nothing_moves_a_refused_registration() -> None:
    registrar = refused("in_poc", changes={"in_poc": True})
    changes_nothing(registrar, confirmed(), declined(), expired(), withdrawn(), vng_approved(), vng_rejected())


def test_history_names_who_did_it_and_why() -> None:
    registrar = (
        Registrar()
        .hears(requested())
        .hears(confirmed())
        .hears(vng_approved(override_reason="Ngoại lệ", failing_codes=("has_credit", "in_poc"), note="Đã gọi"))
    )
    assert [(line.version, line.event, line.actor, line.reason) for line in registrar.history] == [
        (1, "RegistrationRequested", "staff@partner.example", None),
        (2, "CustomerConfirmed", CUSTOMER, None),
        (3, "VngApproved", "lan@vng.example", "Ngoại lệ; despite has_credit, in_poc; note: Đã gọi"),
    ]


WITHDRAWAL: list[RegistrationRequested | Fact] = [requested(), withdrawn(reason=None)]


@given(split(repeated(WITHDRAWAL)))
def test_a_withdrawn_registration_ends_alike_whichever_is_read_first(
    batches: list[list[RegistrationRequested | Fact]],
) -> None:
    registrar = Registrar()
    for batch in batches:
        registrar.hears(*batch)
    assert registrar.status() is Status.WITHDRAWN
    [final] = registrar.finals()
    assert isinstance(final, RegistrationClosed)
    assert (final.outcome, final.reasons) == (Outcome.WITHDRAWN, ())
    assert registrar.quarantined == []


COMPATIBLE: list[RegistrationRequested | Fact] = [requested(), confirmed(), vng_approved()]
CONFLICTING: list[Fact] = [confirmed(), declined(), expired(), withdrawn(), vng_approved(), vng_rejected()]


def _requests_into(
    facts: Sequence[RegistrationRequested | Fact],
) -> st.SearchStrategy[list[RegistrationRequested | Fact]]:
    """The request comes again anywhere among the facts."""
    return st.lists(st.just(requested()), max_size=2).flatmap(lambda more: st.permutations([*facts, *more]))


@given(split(repeated(COMPATIBLE[1:]).flatmap(_requests_into)))
def test_facts_that_can_all_be_true_end_alike_in_any_order_and_number(
    batches: list[list[RegistrationRequested | Fact]],
) -> None:
    registrar = Registrar().hears(requested())
    for batch in batches:
        registrar.hears(*batch)
    assert registrar.status() is Status.APPROVED
    expected = RegistrationApproved.about(
        requested(), account_id=account().account_id, locale=Locale.VI, approved_by="lan@vng.example", approved_at=NOW
    )
    assert registrar.finals() == [expected]
    assert registrar.quarantined == []


@given(split(some_of(CONFLICTING)))
def test_of_facts_that_conflict_the_first_ends_it_and_nothing_moves_it_again(batches: list[list[Fact]]) -> None:
    registrar = Registrar().hears(requested())
    final: Status | None = None
    for batch in batches:
        registrar.hears(*batch)
        if final:
            assert registrar.status() is final
        elif registrar.status() not in OPEN:
            final = registrar.status()
    assert len(registrar.finals()) == (1 if final else 0)


@given(split(some_of(CONFLICTING)))
def test_a_batch_decides_as_its_facts_one_by_one(batches: list[list[Fact]]) -> None:
    together, apart = Registrar().hears(requested()), Registrar().hears(requested())
    for batch in batches:
        together.hears(*batch)
        for fact in batch:
            apart.hears(fact)
    assert together.registrations == apart.registrations
    assert together.told == apart.told
    assert together.history == apart.history


EVERYTHING: list[RegistrationRequested | Fact] = [
    requested(),
    requested(TWO, **OTHER_PARTNER),
    *CONFLICTING,
    withdrawn(partner_id="p-2"),
    withdrawn(TWO),
    withdrawn(TWO, partner_id="p-2"),
    confirmed(TWO),
    vng_approved(TWO),
]


@given(split(some_of(EVERYTHING)))
def test_decisions_never_leave_the_table_and_versions_have_no_gap(
    batches: list[list[RegistrationRequested | Fact]],
) -> None:
    registrar = Registrar()
    for batch in batches:
        registrar.hears(*batch)
    reached: dict[UUID, int] = {}
    for line in registrar.history:
        if line.note:
            assert (line.status_from, line.version) == (line.status_to, reached[line.registration_id])
            continue
        before = Status(line.status_from) if line.status_from else None
        assert Status(line.status_to) in TRANSITIONS[before, getattr(events, line.event)]
        assert line.version == reached.get(line.registration_id, 0) + 1
        reached[line.registration_id] = line.version
    assert reached == {it.registration_id: it.version for it in registrar.registrations.values()}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12), st.integers(1, 3))
def test_no_batch_opens_an_account_twice_or_a_partner_beyond_its_limit(
    wishes: list[tuple[int, int]], limit: int
) -> None:
    registrar = Registrar(*(account(f"k{n}@x.vn") for n in range(4)), policy=Policy(limit, DAY, CurrentCustomers.SKIP))
    registrar.hears(
        *(
            requested(UUID(int=n), partner_id=f"p-{partner}", customer_email=f"k{customer}@x.vn")
            for n, (partner, customer) in enumerate(wishes)
        )
    )
    opened = [event for event in registrar.told if isinstance(event, RegistrationOpened)]
    assert len({event.customer_email for event in opened}) == len(opened)
    assert max(Counter(event.partner_id for event in opened).values()) <= limit
    for it in registrar.registrations.values():
        assert bool(it.codes) == (it.status is Status.REFUSED)


def test_the_confirmation_that_registrar_reads_names_nobody_new() -> None:
    """What a confirmation says of names is not copied: the request decides."""
    registrar = Registrar().hears(requested())
    registrar.hears(CustomerConfirmed(**confirmed().model_dump() | {"partner_name": "Somebody else"}))
    assert registrar.registrations[ONE].partner_name == "Công ty Đối Tác"


def test_a_registration_keeps_what_was_asked_and_when_it_was_decided() -> None:
    asked = requested(batch_id=THREE)
    registrar = Registrar().hears(asked, at=NOW + DAY).hears(asked, at=NOW + 2 * DAY)
    it = registrar.registrations[ONE]
    assert (it.batch_id, it.requested_at, it.changed_at) == (THREE, NOW, NOW + DAY)
    assert [(line.event, line.actor, line.at) for line in registrar.history] == [
        ("RegistrationRequested", asked.requested_by, NOW + DAY),
        ("RegistrationRequested", asked.requested_by, NOW + 2 * DAY),
    ]


def test_history_has_every_code_of_a_refusal_where_partners_read_one() -> None:
    registrar = refused("has_credit", "in_poc", changes={"credit_balance": 1, "in_poc": True})
    assert registrar.history[-1].reason == "has_credit, in_poc"


def test_what_was_withdrawn_before_is_not_refused_too() -> None:
    registrar = Registrar(account(in_poc=True)).hears(withdrawn()).hears(requested())
    assert (registrar.status(), registrar.registrations[ONE].codes) == (Status.WITHDRAWN, ())


def test_a_stranger_who_withdrew_before_the_request_is_named_once_it_is_read() -> None:
    registrar = Registrar().hears(withdrawn(partner_id="p-2")).hears(requested(), at=NOW + DAY)
    assert (registrar.history[-1].actor, registrar.history[-1].at) == ("p-2", NOW + DAY)


def test_who_never_withdrew_may_ask_though_one_withdrawal_would_be_too_many() -> None:
    policy = Policy(100, 30 * DAY, CurrentCustomers.SKIP, withdrawal_limit=1)
    assert Registrar(policy=policy).hears(requested()).status() is Status.AWAITING_CONFIRMATION
