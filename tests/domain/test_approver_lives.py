"""Any order of what may happen to a case: decided once, by the table, without a gap."""

from datetime import datetime

import pytest
from hypothesis import given

from services.approver.domain import TRANSITIONS, ClaimEnd, Final, Status
from shared.eligibility import Account, CurrentCustomers
from shared.events import CustomerConfirmed, ReviewDue, VngApproved, VngRejected
from tests.domain.approver import CAUSES, CURRENT, CURRENT_WITH_CREDIT, LAN, MINH, REFUSE, SKIP, Approver
from tests.domain.batches import some_of
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    account,
    confirmed,
    registration_approved,
    registration_closed,
)

Step = CustomerConfirmed | Final | Account | str


STEPS: list[Step] = [
    confirmed(),
    registration_approved(),
    registration_closed(),
    CURRENT,
    CURRENT_WITH_CREDIT,
    account(),
    "claim",
    "release",
    "an hour",
    "three days",
    "approve",
    "reject",
]


def take(approver: Approver, step: Step, at: datetime) -> datetime:
    """Answers the time after it."""
    match step:
        case Account():
            approver.learns(step, at)
        case "an hour":
            approver.lets_time_pass_until(at + HOUR)
            return at + HOUR
        case "three days":
            approver.lets_time_pass_until(at + 3 * DAY)
            return at + 3 * DAY
        case str() if ONE not in approver.cases:
            pass
        case "claim":
            approver.claims(LAN, at)
        case "release":
            approver.releases(LAN, at)
        case "approve":
            approver.approves(LAN, at)
        case "reject":
            approver.rejects(MINH, at)
        case str():
            raise AssertionError(step)
        case _:
            approver.hears(step, at=at)
    return at


@pytest.mark.parametrize("policy", CurrentCustomers)
@given(steps=some_of(STEPS, most=12))
def test_a_case_is_decided_once_and_nothing_is_told_after_its_end(policy: CurrentCustomers, steps: list[Step]) -> None:
    approver = Approver(policy=policy)
    at = NOW
    for step in steps:
        over = ONE in approver.cases and approver.case.status is not Status.OPEN
        final = over and approver.case.outcome is not None
        before, told = approver.cases.get(ONE), len(approver.told)
        at = take(approver, step, at)
        if before and over:
            assert (approver.case.status, len(approver.told)) == (before.status, told)
        if final:
            assert approver.case == before
    assert sum(isinstance(event, VngApproved | VngRejected) for event in approver.told) <= 1
    assert sum(isinstance(event, ReviewDue) for event in approver.told) <= 1


@pytest.mark.parametrize("policy", CurrentCustomers)
@given(steps=some_of(STEPS, most=12))
def test_decisions_never_leave_the_table_and_versions_have_no_gap(policy: CurrentCustomers, steps: list[Step]) -> None:
    approver = Approver(policy=policy)
    at = NOW
    for step in steps:
        at = take(approver, step, at)
    version = 0
    for line in approver.history:
        if line.note:
            assert line.version == version
            continue
        assert line.version == version + 1
        version = line.version
        before = Status(line.status_from) if line.status_from else None
        assert Status(line.status_to) in TRANSITIONS[before, CAUSES[line.event]]


def test_the_lifecycle_reaches_every_entry_of_the_table() -> None:
    """What the table allows happens: no entry is there for nothing."""
    reached: set[tuple[str | None, str, str]] = set()
    for approver in _lives():
        reached |= {(line.status_from, line.event, line.status_to) for line in approver.history if not line.note}
    allowed = {
        (before, cause if isinstance(cause, ClaimEnd) else cause.type(), after)
        for (before, cause), ends in TRANSITIONS.items()
        for after in ends
    }
    assert reached == allowed


def _lives() -> list[Approver]:
    lives = [Approver(CURRENT, SKIP), Approver(CURRENT, REFUSE)]
    for life in lives:
        life.hears(confirmed())
    for final in (registration_approved(), registration_closed()):
        lives.append(Approver().hears(final))
        lives.append(Approver().hears(confirmed()).hears(final))
        for decide in ("approves", "rejects"):
            life = Approver().hears(confirmed())
            getattr(life, decide)(LAN)
            lives.append(life.hears(final))
    for policy in (SKIP, REFUSE):
        lives.append(Approver(policy=policy).hears(confirmed()).lets_time_pass_until(NOW + 3 * DAY).learns(CURRENT))
        for end in ClaimEnd:
            life = Approver(policy=policy).hears(confirmed())
            life.claims(LAN)
            life.learns(CURRENT)
            if end is ClaimEnd.RELEASED:
                life.releases(LAN)
            lives.append(life.lets_time_pass_until(NOW + 5 * HOUR))
    return lives
