"""The queue of mails on a real PostgreSQL: owed once, claimed by one, marked by whom it belongs to."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notifier import answers, domain, matters, periods, queue, store
from services.notifier.answers import NoLongerOpen
from services.notifier.domain import Mail, MailKind
from services.notifier.handlers import handlers
from services.notifier.queue import LEASE, Claimed
from shared.database import Database, Transaction
from shared.events import Locale, Outcome
from shared.stores import history_of
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    opened,
    registration_approved,
    registration_closed,
)
from tests.domain.notifier import POLICY
from tests.services.conftest import MovableClock, Open, held_open, rows, told

HANDLERS = handlers(POLICY, ["reviews@vng.example"])
MAIL = Mail(ONE, MailKind.CONFIRMATION)


@pytest.fixture
async def notifier(open_database: Open) -> Database:
    return await open_database("notifier")


async def hear(database: Database, *batch: Any) -> None:
    async with database.transaction() as tx:
        await HANDLERS[type(batch[0])](list(batch), tx)


async def owe(database: Database, *mails: Mail) -> None:
    async with database.transaction() as tx:
        queue.put(tx, mails)


async def claimed(tx: Transaction, most: int) -> list[Claimed]:
    return [it for it, _matter in await matters.claim(tx, most)]


async def claim(database: Database, most: int = 10) -> list[Claimed]:
    async with database.transaction() as tx:
        return await claimed(tx, most)


async def states(database: Database) -> list[tuple[Any, ...]]:
    return await rows(database, "select registration_id, kind, state, attempts from emails order by id")


async def test_a_mail_owed_twice_is_one_row(notifier: Database) -> None:
    await owe(notifier, MAIL, MAIL)
    await owe(notifier, MAIL)
    assert await states(notifier) == [(ONE, "confirmation", "queued", 0)]


async def test_mails_that_differ_in_kind_period_or_number_are_owed_each(notifier: Database) -> None:
    await owe(notifier, MAIL, Mail(ONE, MAIL.kind, number=2), Mail(ONE, MAIL.kind, period=2), Mail(TWO, MAIL.kind),
              Mail(ONE, MailKind.PARTNER_CLOSED))  # fmt: skip
    claimed = await claim(notifier)
    assert {it.mail for it in claimed} == {MAIL, Mail(ONE, MAIL.kind, number=2), Mail(ONE, MAIL.kind, period=2),
                                           Mail(TWO, MAIL.kind), Mail(ONE, MailKind.PARTNER_CLOSED)}  # fmt: skip


async def test_owing_a_mail_that_was_sent_sends_no_other(notifier: Database) -> None:
    await owe(notifier, MAIL)
    async with notifier.transaction() as tx:
        assert await queue.mark_sent(tx, await claimed(tx, 1))
    await owe(notifier, MAIL)
    assert await claim(notifier) == []


async def test_two_that_claim_at_once_share_no_mail(notifier: Database) -> None:
    await owe(notifier, *(Mail(UUID(int=n), MAIL.kind) for n in range(10)))
    async with notifier.transaction() as one, notifier.transaction() as two:
        first, second = await claimed(one, 6), await claimed(two, 6)
        assert (len(first), len(second)) == (6, 4)
        assert not {it.id for it in first} & {it.id for it in second}


async def test_many_that_claim_at_once_take_each_mail_once(notifier: Database) -> None:
    await owe(notifier, *(Mail(UUID(int=n), MAIL.kind) for n in range(200)))
    claims = await asyncio.gather(*(claim(notifier, 16) for _ in range(15)))
    taken = [it.id for claimed in claims for it in claimed]
    assert len(taken) == len(set(taken))
    assert len(taken) + len(await claim(notifier, 200)) == 200
    assert all(len(claimed) <= 16 for claimed in claims)


async def test_a_claimed_mail_is_not_claimed_again_until_its_lease_ends(
    notifier: Database, clock: MovableClock
) -> None:
    await owe(notifier, MAIL)
    [first] = await claim(notifier)
    clock.now = NOW + LEASE - timedelta(seconds=1)
    assert await claim(notifier) == []
    clock.now = NOW + LEASE
    [second] = await claim(notifier)
    assert (second.id, first.attempt, second.attempt) == (first.id, 1, 2)


async def test_a_mark_by_a_claim_that_ended_changes_nothing(notifier: Database, clock: MovableClock) -> None:
    await owe(notifier, MAIL)
    [old] = await claim(notifier)
    clock.now = NOW + LEASE
    [new] = await claim(notifier)
    before = await rows(notifier, "select * from emails")
    async with notifier.transaction() as tx:
        assert not await queue.mark_sent(tx, [old])
        assert await queue.mark_failed(tx, [old], ["too late"]) == set()
        await queue.put_off(tx, old, NOW + DAY, "too late", refused=True, in_doubt=False)
    assert await rows(notifier, "select * from emails") == before
    async with notifier.transaction() as tx:
        assert await queue.mark_sent(tx, [new]) == {new.id}


async def test_a_mark_stands(notifier: Database, clock: MovableClock) -> None:
    await owe(notifier, MAIL)
    [it] = await claim(notifier)
    async with notifier.transaction() as tx:
        assert await queue.mark_failed(tx, [it], ["550 no such user"]) == {it.id}
        assert not await queue.mark_sent(tx, [it])
        assert await queue.mark_failed(tx, [it], ["again"]) == set()
    clock.now = NOW + 100 * DAY
    assert await claim(notifier) == []
    assert await rows(notifier, "select state, detail from emails") == [("failed", "550 no such user")]


async def test_a_mail_put_off_comes_at_its_time_and_remembers_when_it_was_first_refused(
    notifier: Database, clock: MovableClock
) -> None:
    await owe(notifier, MAIL)
    [it] = await claim(notifier)
    for n, refused in enumerate([False, True, True, False], start=1):
        async with notifier.transaction() as tx:
            await queue.put_off(tx, it, NOW + n * HOUR, "later", refused=refused, in_doubt=False)
        clock.now = NOW + n * HOUR - timedelta(seconds=1)
        assert await claim(notifier) == []
        clock.now = NOW + n * HOUR
        [it] = await claim(notifier)
        assert it.refused_since == (None if n == 1 else NOW + HOUR)


ENDINGS = ("known not to have arrived", "in doubt", "never marked")


async def test_a_mail_is_in_doubt_from_the_first_attempt_that_may_have_delivered_it(
    notifier: Database, clock: MovableClock
) -> None:
    """Three attempts, ended in every way."""
    lives = {UUID(int=n): endings for n, endings in enumerate(itertools.product(ENDINGS, repeat=3))}
    await owe(notifier, *(Mail(registration_id, MAIL.kind) for registration_id in lives))
    for n in range(4):
        claimed = await claim(notifier, len(lives))
        before = {it.mail.registration_id: lives[it.mail.registration_id][:n] for it in claimed}
        assert len(before) == len(lives)
        assert {it.mail.registration_id: it.in_doubt for it in claimed} == {
            registration_id: not set(endings) <= {"known not to have arrived"}
            for registration_id, endings in before.items()
        }
        clock.now += LEASE
        async with notifier.transaction() as tx:
            for it in claimed if n < 3 else ():
                if (ending := lives[it.mail.registration_id][n]) != "never marked":
                    await queue.put_off(tx, it, tx.now, ending, refused=False, in_doubt=ending == "in doubt")


async def test_a_late_mark_that_its_attempt_did_not_deliver_leaves_the_doubt(
    notifier: Database, clock: MovableClock
) -> None:
    await owe(notifier, MAIL)
    [old] = await claim(notifier)
    clock.now += LEASE
    [new] = await claim(notifier)
    async with notifier.transaction() as tx:
        await queue.put_off(tx, old, tx.now, "too late", refused=False, in_doubt=False)
        await queue.put_off(tx, new, tx.now, "in time", refused=False, in_doubt=False)
    assert [it.in_doubt for it in await claim(notifier)] == [True]


async def test_the_mail_that_waited_longest_goes_first(notifier: Database, clock: MovableClock) -> None:
    for n, registration_id in enumerate((TWO, ONE, THREE)):
        clock.now = NOW + timedelta(minutes=n)
        await owe(notifier, Mail(registration_id, MAIL.kind))
    assert [(await claim(notifier, 1))[0].mail.registration_id for _ in range(3)] == [TWO, ONE, THREE]


async def test_an_opened_registration_owes_one_mail_however_often_it_is_read(notifier: Database) -> None:
    await hear(notifier, opened(), opened())
    await hear(notifier, opened())
    assert await states(notifier) == [(ONE, "confirmation", "queued", 0)]


async def test_a_batch_read_again_leaves_what_it_left_once(notifier: Database) -> None:
    await hear(notifier, opened(), opened(TWO))
    for _ in range(2):
        await hear(notifier, registration_approved(), registration_approved())
        await hear(
            notifier,
            registration_closed(TWO, Outcome.DECLINED),
            registration_closed(THREE, Outcome.REFUSED, locale=None),
        )
    assert [(row[0], row[1]) for row in await states(notifier)] == [
        (ONE, "confirmation"),
        (TWO, "confirmation"),
        (ONE, "customer_approved"),
        (ONE, "partner_approved"),
        (TWO, "partner_closed"),
        (THREE, "partner_closed"),
    ]
    async with notifier.transaction() as tx:
        assert [line.note for line in await history_of(tx, ONE)] == ["", "", "no_effect"]


async def test_what_is_stored_reads_back_as_it_was_decided(notifier: Database) -> None:
    event = opened(locale=Locale.EN, requester_locale=Locale.VI)
    await hear(notifier, event)
    await hear(notifier, registration_closed(TWO, Outcome.REFUSED, locale=None, reasons=("in_poc", "Vì lý do khác")))
    async with notifier.transaction() as tx:
        known = await store.get(tx, [ONE, TWO])
    assert known[ONE] == domain.open_confirmations([event], {}, NOW).new[ONE]
    assert (known[TWO].status, known[TWO].locale, known[TWO].reasons) == ("void", None, ("in_poc", "Vì lý do khác"))


async def test_what_is_changed_reads_back_as_it_was_decided(notifier: Database) -> None:
    """Many at once, in one statement: nothing of one gets into another."""
    endings = [
        registration_closed(TWO, reasons=("in_poc", "Hai dòng:\n1, 2; {3}")),
        registration_closed(THREE, reasons=()),
    ]
    await hear(notifier, opened(), opened(TWO), opened(THREE))
    async with notifier.transaction() as tx:
        known = await store.lock(tx, [ONE, TWO, THREE])
        sent = periods.sent(known[ONE], 1, POLICY, NOW + HOUR)
        decided = domain.end_confirmations(endings, known, NOW + HOUR)
        decided.changed |= sent.changed
        await store.save(tx, decided)
    async with notifier.transaction() as tx:
        assert await store.get(tx, [ONE, TWO, THREE]) == decided.changed


async def answer(tx: Transaction, how: str) -> object:
    """As the page does it."""
    it = (await store.lock(tx, [ONE]))[ONE]
    result = answers.confirm(it, tx.now) if how == "confirm" else answers.decline(it, None, tx.now)
    if result and not isinstance(result, NoLongerOpen):
        await store.save(tx, answers.answered(it, result, tx.now))
    return result


@pytest.mark.parametrize(("first", "then", "event"), [
    ("confirm", "decline", "CustomerConfirmed"),
    ("decline", "confirm", "CustomerDeclined"),
])  # fmt: skip
async def test_of_confirm_and_decline_at_once_one_wins_and_the_other_is_told(
    notifier: Database, first: str, then: str, event: str
) -> None:
    await hear(notifier, opened())

    async def second() -> object:
        async with notifier.transaction() as tx:
            return await answer(tx, then)

    async with held_open(notifier) as (tx, until_another_waits):
        await answer(tx, first)
        late = asyncio.create_task(second())
        await until_another_waits()
    assert isinstance(await late, NoLongerOpen)
    assert await told(notifier) == [event]


async def test_a_double_click_is_told_once(notifier: Database) -> None:
    await hear(notifier, opened())

    async def click() -> object:
        async with notifier.transaction() as tx:
            return await answer(tx, "confirm")

    answers = await asyncio.gather(*(click() for _ in range(5)))
    assert sum(it is not None for it in answers) == 1
    assert await told(notifier) == ["CustomerConfirmed"]


async def test_an_answer_and_registrars_end_at_once_leave_one_of_both_and_every_mail(notifier: Database) -> None:
    await hear(notifier, opened())
    async with held_open(notifier) as (tx, until_another_waits):
        await answer(tx, "confirm")
        end = asyncio.create_task(hear(notifier, registration_approved()))
        await until_another_waits()
    await end
    assert await rows(notifier, "select status, outcome from confirmations") == [("confirmed", "approved")]
    assert {row[1] for row in await states(notifier)} == {"confirmation", "customer_approved", "partner_approved"}
