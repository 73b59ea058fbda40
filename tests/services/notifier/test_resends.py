"""Requests for another mail on a real store: each answered once, and none lost to a race with its registration."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.notifier import resends, store
from services.notifier.domain import Decided
from shared.database import Database
from shared.stores import history_of
from tests.domain.facts import HOUR, NOW, ONE, TWO, opened, registration_closed, resend_requested
from tests.domain.notifier import POLICY
from tests.services.conftest import MovableClock, held_open, rows, told
from tests.services.notifier.conftest import HANDLERS, hear

ANSWERS = "select registration_id, answer from resends order by registration_id, requested_at"


async def test_an_accepted_resend_owes_the_mail_of_another_period(
    notifier_database: Database, clock: MovableClock
) -> None:
    await hear(notifier_database, opened())
    clock.now = NOW + HOUR
    await hear(notifier_database, resend_requested(), resend_requested())
    await hear(notifier_database, resend_requested())
    mails = "select kind, period, number from emails order by id"
    assert await rows(notifier_database, mails) == [("confirmation", 1, 1), ("confirmation", 2, 1)]
    assert await rows(notifier_database, ANSWERS) == [(ONE, "accepted")]
    assert await told(notifier_database) == []


async def test_refusals_are_noted_one_by_one_and_told_once_each(notifier_database: Database) -> None:
    await hear(notifier_database, opened(), opened(TWO))
    asked = [resend_requested(at=NOW + timedelta(microseconds=n)) for n in range(3)]
    for _ in range(2):
        await hear(notifier_database, *asked, resend_requested(TWO, partner_id="p-2"))
    assert await rows(notifier_database, ANSWERS) == [*[(ONE, "too_soon")] * 3, (TWO, "wrong_partner")]
    assert await told(notifier_database) == ["ConfirmationResendRefused"] * 3
    async with notifier_database.transaction() as tx:
        assert [line.note for line in await history_of(tx, ONE)] == [
            "",
            "too_soon, asked 2026-07-01T09:00:00Z",
            "too_soon, asked 2026-07-01T09:00:00.000001Z",
            "too_soon, asked 2026-07-01T09:00:00.000002Z",
        ]
        assert [line.note for line in await history_of(tx, TWO)] == ["", "wrong_partner"]


async def test_held_resends_are_answered_when_their_registration_comes_and_others_stay_held(
    notifier_database: Database,
) -> None:
    await hear(notifier_database, resend_requested(at=NOW + HOUR), resend_requested(), resend_requested(TWO))
    assert await rows(notifier_database, ANSWERS) == [(ONE, None), (ONE, None), (TWO, None)]
    for _ in range(2):
        await hear(notifier_database, opened())
    assert await rows(notifier_database, ANSWERS) == [(ONE, "too_soon"), (ONE, "too_soon"), (TWO, None)]
    assert await told(notifier_database) == ["ConfirmationResendRefused"] * 2


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("partners", [("p-2", "p-1"), ("p-1", "p-2")], ids=["stranger first", "stranger second"])
async def test_a_strangers_request_of_the_same_moment_keeps_the_partners_own_from_nothing(
    notifier_database: Database, clock: MovableClock, partners: tuple[str, str], held: bool
) -> None:
    requests = [resend_requested(partner_id=partner) for partner in partners]
    if not held:
        await hear(notifier_database, opened())
        clock.now = NOW + HOUR
    for _ in range(2):
        for request in requests:
            await hear(notifier_database, request)
    if held:
        await hear(notifier_database, opened())
    found = await rows(notifier_database, "select partner_id, answer from resends order by partner_id")
    assert found == [("p-1", "too_soon" if held else "accepted"), ("p-2", "wrong_partner")]
    noted = await rows(notifier_database, "select reason from history where note = 'wrong_partner'")
    assert noted == [("p-2",)]


FIRST = pytest.mark.parametrize(
    ("event", "code"), [(opened(), "too_soon"), (registration_closed(), "not_pending")], ids=["opened", "closed"]
)


@FIRST
async def test_a_resend_that_is_being_held_while_its_registration_comes_is_answered(
    notifier_database: Database, event: Any, code: str
) -> None:
    async with held_open(notifier_database) as (tx, until_another_waits):
        await HANDLERS[type(resend_requested())]([resend_requested()], tx)
        coming = asyncio.create_task(hear(notifier_database, event))
        await until_another_waits()
    await coming
    assert await rows(notifier_database, ANSWERS) == [(ONE, code)]
    assert await told(notifier_database) == ["ConfirmationResendRefused"]


@FIRST
async def test_a_registration_that_is_coming_while_its_resend_is_read_answers_it(
    notifier_database: Database, event: Any, code: str
) -> None:
    async with held_open(notifier_database) as (tx, until_another_waits):
        await HANDLERS[type(event)]([event], tx)
        asking = asyncio.create_task(hear(notifier_database, resend_requested()))
        await until_another_waits()
    await asking
    assert await rows(notifier_database, ANSWERS) == [(ONE, code)]
    assert await told(notifier_database) == ["ConfirmationResendRefused"]


async def test_registrations_do_not_wait_for_each_other(notifier_database: Database) -> None:
    async with held_open(notifier_database) as (tx, _):
        await HANDLERS[type(opened())]([opened()], tx)
        async with asyncio.timeout(10):
            await hear(notifier_database, opened(TWO))


async def test_what_is_held_reads_back_as_it_was_asked(notifier_database: Database) -> None:
    await hear(notifier_database, resend_requested())
    async with notifier_database.transaction() as tx:
        held = await store.held_resends(tx, [ONE])
    assert held == [resends.asked(resend_requested())]
    assert resends.decide(held, Decided(), {}, POLICY, NOW) == held
