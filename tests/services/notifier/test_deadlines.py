"""What the scheduler does on a real store: each row once, whoever else acts, however late, and by the index."""

import asyncio
from uuid import UUID

from sqlalchemy import text

from services.notifier import store
from shared.database import Database
from tests.domain.facts import DAY, NOW, ONE, opened, resend_requested
from tests.services.conftest import MovableClock, held_open, rows, told
from tests.services.notifier.conftest import EXPIRE_AND_REMIND, act, hear, mail_left

END = NOW + 15 * DAY
MANY = [UUID(int=n + 1) for n in range(10)]
REMINDERS = "select registration_id, period, number from emails where kind = 'reminder' order by id"


async def test_an_outage_over_one_reminder_leaves_exactly_one(notifier_database: Database, clock: MovableClock) -> None:
    await hear(notifier_database, opened())
    await mail_left(notifier_database, ONE)
    clock.now = END - 5 * DAY
    assert [await act(notifier_database, clock) for _ in range(2)] == [1, 0]
    assert await rows(notifier_database, REMINDERS) == [(ONE, 1, 1)]


async def test_an_outage_of_twenty_days_leaves_one_expiry_and_no_reminder(
    notifier_database: Database, clock: MovableClock
) -> None:
    await hear(notifier_database, opened())
    await mail_left(notifier_database, ONE)
    clock.now = NOW + 20 * DAY
    assert [await act(notifier_database, clock) for _ in range(2)] == [1, 0]
    assert await rows(notifier_database, REMINDERS) == []
    assert await told(notifier_database) == ["ConfirmationSent", "ConfirmationExpired"]
    states = "select status, due_at, ended_at from confirmations"
    assert await rows(notifier_database, states) == [("expired", None, clock.now)]


async def test_a_mail_that_never_left_expires_nobody(notifier_database: Database, clock: MovableClock) -> None:
    await hear(notifier_database, opened())
    clock.now = NOW + 100 * DAY
    assert await act(notifier_database, clock) == 0


async def test_two_schedulers_at_once_share_what_is_due_and_act_once(
    notifier_database: Database, clock: MovableClock
) -> None:
    await hear(notifier_database, *(opened(it) for it in MANY))
    await mail_left(notifier_database, *MANY)
    clock.now = END
    async with held_open(notifier_database) as (tx, _):
        first = await EXPIRE_AND_REMIND.act(tx, 6, 0)
        second = await act(notifier_database, clock)  # waits for nobody
        third = await act(notifier_database, clock)
    assert (first, second, third) == (6, 4, 0)
    assert await act(notifier_database, clock) == 0
    assert (await told(notifier_database)).count("ConfirmationExpired") == len(MANY)
    lines = "select registration_id from history where event = 'ConfirmationExpired'"
    assert sorted(await rows(notifier_database, lines)) == [(it,) for it in MANY]


async def test_what_was_due_longest_comes_first(notifier_database: Database, clock: MovableClock) -> None:
    for it in reversed(MANY):
        await hear(notifier_database, opened(it))
        await mail_left(notifier_database, it)
        clock.now += DAY / 100
    clock.now = END + DAY
    assert await act(notifier_database, clock, 3) == 3
    expired = "select registration_id from confirmations where status = 'expired' order by 1 desc"
    assert await rows(notifier_database, expired) == [(it,) for it in MANY[:-4:-1]]


async def test_of_an_expiry_and_a_resend_at_once_one_wins(notifier_database: Database, clock: MovableClock) -> None:
    await hear(notifier_database, opened())
    await mail_left(notifier_database, ONE)
    clock.now = END
    async with held_open(notifier_database) as (tx, until_another_waits):
        await EXPIRE_AND_REMIND.act(tx, 1, 0)
        late = asyncio.create_task(hear(notifier_database, resend_requested()))
        await until_another_waits()
    await late
    assert await rows(notifier_database, "select status, period from confirmations") == [("expired", 1)]
    assert await told(notifier_database) == ["ConfirmationSent", "ConfirmationExpired", "ConfirmationResendRefused"]


FILL = """
    insert into confirmations
    select md5(n::text)::uuid, 'p', 'P', 'a@b.vn', 'c', 'Partner', 'vi', 's@p.vn', 'vi',
        case when n % 4 = 0 then 'pending' else 'confirmed' end, 1, 1, :now, :now, :now, 0, null, false, true,
        case when n % 4 = 0 then cast(:now as timestamptz) + n * interval '1 minute' end, null, null, null, '{}'
    from generate_series(1, 40000) n
"""


async def test_what_is_due_is_found_by_the_index_of_what_will_be(notifier_database: Database) -> None:
    due = store.DUE.params(now=NOW + DAY, most=500, skip=0)
    statement = due.compile(dialect=notifier_database.engine.dialect, compile_kwargs={"literal_binds": True})
    async with notifier_database.transaction() as tx:
        await tx.execute(text(FILL), {"now": NOW})
        await tx.execute(text("analyze confirmations"))
        plan = "\n".join((await tx.execute(text(f"explain {statement}"))).scalars())
    assert "Index Scan using confirmations_due_idx" in plan
    assert "Seq Scan" not in plan and "Sort" not in plan
