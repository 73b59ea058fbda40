"""The property that all else serves: whatever happens in whatever order, what the system promises holds.

Chance mixes everything that people, other systems, time and restarts can do; then all that was under way is finished,
time passes until nothing can be open any more, and a checker that shares no code with the services reads all topics,
histories and mails. A seed is a life: `make lives FIRST=17 LIVES=1` lives the 17th again, as far as what runs at once
meets in the same order.
"""

import asyncio
from collections.abc import Iterator

import pytest

from embedded.mailbox import Mailbox, mailbox
from embedded.postgres import Postgres
from tests.lifecycle.life import live, make_template


@pytest.fixture(scope="module")
def server(postgres_server: Postgres) -> Postgres:
    asyncio.run(make_template(postgres_server))
    return postgres_server


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_in_whatever_order_every_promise_holds(
    seed: int, server: Postgres, box: Mailbox
) -> None:
    findings, _steps, _statuses = await live(server, box, seed)
    assert not findings, "\n".join(map(str, findings[:20]))
