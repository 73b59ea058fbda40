"""Whatever happens in whatever order, and however often a service's database is set back: every promise holds."""

import asyncio
from collections.abc import Iterator

import pytest

from embedded.mailbox import Mailbox, mailbox
from embedded.postgres import Postgres
from tests.lifecycle.life import make_template
from tests.restore.lives import live


@pytest.fixture(scope="module")
def server(postgres_server: Postgres) -> Postgres:
    asyncio.run(make_template(postgres_server))
    return postgres_server


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.mark.parametrize("seed", [3])
async def test_services_that_are_set_back_and_rewound_keep_every_promise(
    seed: int, server: Postgres, box: Mailbox
) -> None:
    findings, world = await live(server, box, seed)
    assert world.restores > 0 and world.taken_back > 0
    assert not findings, "\n".join(map(str, findings[:20]))
