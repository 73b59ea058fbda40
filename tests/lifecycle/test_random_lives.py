"""The property that all else serves: whatever happens in whatever order, what the system promises holds.

Chance mixes everything that people, other systems, time and restarts can do; then all that was under way is finished,
time passes until nothing can be open any more, and a checker that shares no code with the services reads all topics,
histories and mails. A seed is a life: `LIVES=40 pytest tests/lifecycle -k "[17-"` lives the 17th again, as far as what
runs at once meets in the same order.
"""

import os
from collections import Counter
from datetime import timedelta

import pytest

from checker import check
from shared.eligibility import CurrentCustomers
from tests.lifecycle.conftest import NewWorld
from tests.lifecycle.evidence import evidence_of
from tests.lifecycle.people import NOWHERE

SEEDS = range(int(os.environ.get("LIVES", "12")))
STEPS = 250
POLICIES = [policy.value for policy in CurrentCustomers]


@pytest.mark.parametrize(("seed", "policy"), [(seed, POLICIES[seed % len(POLICIES)]) for seed in SEEDS])
async def test_whatever_happens_in_whatever_order_every_promise_holds(
    seed: int, policy: str, new_world: NewWorld
) -> None:
    world = await new_world(seed, policy)
    world.mailbox.unknown.add(NOWHERE)
    for _ in range(STEPS):
        await world.step()
    await world.settle()
    half_way = check(await evidence_of(world))
    for _ in range(3):  # mails put off, reminders, expiry
        world.now += timedelta(days=20)
        await world.settle()
    findings = half_way + check(await evidence_of(world))
    assert not findings, "\n".join(map(str, findings[:20]))
    statuses = await world.query("select status, count(*) from registrar.registrations group by 1")
    print(f"seed {seed}, policy {policy}: {dict(Counter(dict(map(tuple, statuses))))}")
