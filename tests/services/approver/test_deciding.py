"""Who decides at once shares a transaction: each is told of their own outcome, and of two on one case one was first."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from services.approver import reviews
from services.approver.deciding import Deciding, Outcome, Wish
from services.approver.domain import Case
from services.approver.refusals import CaseAlreadyDecided, FactsNotYetRead, Refusal
from shared.database import Database
from shared.eligibility import Account
from shared.events import VngApproved, VngRejected
from tests.domain.facts import account_updated, confirmed
from tests.services.approver.at_work import LAN, MINH, hear
from tests.services.conftest import Open, rows, told

IDS = [UUID(int=number) for number in range(1, 6)]


@pytest.fixture
async def database(open_database: Open) -> Database:
    """Cases of IDS are open, of accounts that meet every condition."""
    database = await open_database("approver")
    for it in IDS:
        await hear(database, account_updated(f"k{it.int}@x.vn"))
        await hear(database, confirmed(it, customer_email=f"k{it.int}@x.vn"))
    return database


def approving(case: Case, _account: Account | None, now: datetime) -> VngApproved | Refusal:
    return reviews.approve(case, (), LAN, None, None, now)


def rejecting(case: Case, _account: Account | None, now: datetime) -> VngRejected | Refusal:
    return reviews.reject(case, MINH, "Hồ sơ thiếu", now)


def approve(registration_id: UUID) -> Wish:
    return Wish(registration_id, LAN, approving)


def reject(registration_id: UUID) -> Wish:
    return Wish(registration_id, MINH, rejecting)


async def decided(database: Database, *wishes: Wish, caught_up: bool = True) -> list[Outcome | None]:
    deciding = Deciding(database, lambda: caught_up)
    return await asyncio.gather(*map(deciding.decide, wishes))


async def test_all_who_decide_at_once_are_written_down_in_one_transaction(database: Database) -> None:
    outcomes = await decided(database, *map(approve, IDS))
    assert [it and (it.case.registration_id, it.refusal) for it in outcomes] == [(it, None) for it in IDS]
    assert await told(database) == ["VngApproved"] * len(IDS)
    written = await rows(database, "select distinct xmin::text from cases")
    assert len(written) == 1, "each had a transaction of its own"


async def test_of_two_who_decide_one_case_at_once_the_second_is_told_who_was_first(database: Database) -> None:
    first, second, other = await decided(database, reject(IDS[0]), approve(IDS[0]), approve(IDS[1]))
    assert first and first.refusal is None and other and other.refusal is None
    assert second and isinstance(second.refusal, CaseAlreadyDecided) and second.refusal.by == MINH.email
    assert sorted(await told(database)) == ["VngApproved", "VngRejected"]


async def test_a_case_that_does_not_exist_hinders_no_other(database: Database) -> None:
    missing, there = await decided(database, approve(uuid4()), approve(IDS[0]))
    assert missing is None and there and there.refusal is None


async def test_a_decision_that_cannot_be_made_up_is_its_own_makers_trouble(database: Database) -> None:
    def broken(_case: Case, _account: Account | None, _now: datetime) -> VngApproved:
        raise ValueError("broken")

    deciding = Deciding(database, lambda: True)
    one, two = await asyncio.gather(
        deciding.decide(Wish(IDS[0], LAN, broken)), deciding.decide(approve(IDS[1])), return_exceptions=True
    )
    assert isinstance(one, ValueError) and isinstance(two, Outcome) and two.refusal is None
    assert await told(database) == ["VngApproved"]


async def test_before_the_facts_have_been_read_nobody_decides(database: Database) -> None:
    (outcome,) = await decided(database, approve(IDS[0]), caught_up=False)
    assert outcome and outcome.refusal == FactsNotYetRead()
    assert await told(database) == []
