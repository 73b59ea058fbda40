"""A crowd shares one transaction, each is told of its own outcome, and nobody in it pays for another."""

import asyncio
from collections.abc import Sequence

import pytest
from asyncpg import DeadlockDetectedError, UniqueViolationError

from shared.messaging.pace import Pace
from shared.together import Together

MOST = 4
CROWD = range(2 * MOST)


class Work:
    """What is done at once, and by whom it is hindered. While `closed`, nothing goes on."""

    def __init__(self, pace: Pace | None = None, **hindered: Exception) -> None:
        self.batches: list[list[str]] = []
        self.done: list[str] = []
        self.begun, self.open = asyncio.Event(), asyncio.Event()
        self._hindered = hindered
        self.together = Together(self, MOST, pace)

    async def __call__(self, batch: Sequence[str]) -> list[str]:
        self.batches.append(list(batch))
        self.begun.set()
        await self.open.wait()
        for it in batch:
            if it in self._hindered:
                raise self._hindered[it]
        self.done += batch
        return [f"{it} is done" for it in batch]

    async def ask(self, *names: str) -> list[asyncio.Task[str]]:
        """All of them wait when this returns, in this order, the first one's work in hand."""
        asked = [asyncio.create_task(self.together(name)) for name in names]
        await self.begun.wait()
        return asked


async def ended(asked: Sequence[asyncio.Task[str]]) -> list[object]:
    async with asyncio.timeout(5):
        return list(await asyncio.gather(*asked, return_exceptions=True))


async def test_what_nobody_waits_for_rests_and_takes_with_it_what_comes_meanwhile() -> None:
    work = Work(Pace(lambda: 0.0, apart=0.1))  # by a clock that stands, it rests before each
    work.open.set()
    asked = [asyncio.create_task(work.together("a"))]
    for name in "bcd":
        for _turn in range(10):
            await asyncio.sleep(0)
        asked.append(asyncio.create_task(work.together(name)))
    assert await ended(asked) == [f"{it} is done" for it in "abcd"]
    assert work.batches == [["a"], ["b", "c", "d"]]


async def test_one_alone_is_done_at_once() -> None:
    work = Work()
    work.open.set()
    assert await work.together("a") == "a is done"
    assert await work.together("b") == "b is done"
    assert work.batches == [["a"], ["b"]]


async def test_a_crowd_that_comes_while_one_is_in_hand_is_done_together_up_to_the_most() -> None:
    work = Work()
    first = await work.ask("first")
    crowd = await work.ask(*(f"n{number}" for number in CROWD))
    await asyncio.sleep(0)
    work.open.set()
    names = ["first", *(f"n{number}" for number in CROWD)]
    assert await ended([*first, *crowd]) == [f"{it} is done" for it in names]
    assert list(map(len, work.batches)) == [1, MOST, MOST]
    assert work.done == names


@pytest.mark.parametrize("fault", [ValueError("its own"), UniqueViolationError("its own")], ids=["a fault", "a key"])
async def test_the_fault_of_one_is_told_to_that_one_and_the_others_are_done(fault: Exception) -> None:
    work = Work(b=fault)
    crowd = await work.ask("a", "b", "c")
    work.open.set()
    assert await ended(crowd) == ["a is done", fault, "c is done"]
    assert work.done == ["a", "c"]
    await work.together("d")
    assert work.done == ["a", "c", "d"]


@pytest.mark.parametrize("fault", [ConnectionError("away"), DeadlockDetectedError("again")], ids=["away", "deadlock"])
async def test_what_hinders_all_is_told_to_all_at_once_and_tried_once(fault: Exception) -> None:
    work = Work(b=fault)
    crowd = await work.ask("a", "b", "c")
    work.open.set()
    assert await ended(crowd) == [fault] * 3
    assert (work.batches, work.done) == ([["a", "b", "c"]], [])


async def test_who_is_cancelled_while_waiting_or_in_hand_hurts_no_other() -> None:
    work = Work()
    one, two, three = await work.ask("in hand", "in hand too", "in hand as well")
    late, later = (asyncio.create_task(work.together(name)) for name in ("late", "later"))
    await asyncio.sleep(0)
    one.cancel()
    late.cancel()
    await asyncio.sleep(0)
    work.open.set()
    one_ended, two_ended, three_ended, late_ended, later_ended = await ended([one, two, three, late, later])
    assert isinstance(one_ended, asyncio.CancelledError) and isinstance(late_ended, asyncio.CancelledError)
    assert [two_ended, three_ended, later_ended] == [
        f"{it} is done" for it in ("in hand too", "in hand as well", "later")
    ]
    assert {"in hand too", "in hand as well", "later"} <= set(work.done)


async def test_when_it_is_closed_nobody_is_left_waiting_and_nothing_runs_on() -> None:
    others, work = asyncio.all_tasks(), Work()
    crowd = await work.ask(*(f"n{number}" for number in CROWD))
    await work.together.close()
    assert all(isinstance(end, asyncio.CancelledError) for end in await ended(crowd))
    assert (asyncio.all_tasks() - others, work.done) == (set(), [])
    work.open.set()
    await work.together("another")
    assert work.done == ["another"], "what is asked after that is done"


async def test_closing_what_never_worked_is_nothing() -> None:
    await Work().together.close()
