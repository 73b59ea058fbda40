"""Bad tries are counted by client: links that are none of ours, sign-ins that failed. Who has had too many is refused,
and told how long, until the period is over that began with the first of them.

- Good tries are neither counted nor looked up. They cost nothing, and pass whatever else came from their address: many
  customers share one.
- Instances share the count: it is in the service's schema.
- A flood of bad tries keeps good ones from no connection: a few at a time are counted, and whom the process refuses
  it remembers, without asking again.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, bindparam, case, delete, select
from sqlalchemy.dialects.postgresql import insert
from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.database import Database
from shared.settings import TriesSettings
from shared.web.clients import client_of

BadTry = Callable[[Request], Awaitable[None]]
"""Counts a bad try. Raises HTTPException 429 for a client who has had too many."""

MOST_AT_ONCE = 2  # connections to the database
MOST_REMEMBERED = 10_000  # clients
FORGOTTEN_AT_ONCE = 100  # rows

MOMENT = DateTime(timezone=True)

table = Table(
    "tries",
    MetaData(),
    Column("client", Text, primary_key=True),
    Column("since", MOMENT, nullable=False),
    Column("bad", Integer, nullable=False),
    Index("tries_since_idx", "since"),
)
c = table.c

_OVER = c.since <= bindparam("over", type_=MOMENT)
_COUNT = (
    insert(table)
    .values(client=bindparam("client"), since=bindparam("now", type_=MOMENT), bad=1)
    .on_conflict_do_update(
        index_elements=[c.client],
        set_={
            "since": case((_OVER, bindparam("now", type_=MOMENT)), else_=c.since),
            "bad": case((_OVER, 1), else_=c.bad + 1),
        },
    )
    .returning(c.since, c.bad)
)
_some_that_are_over = select(c.client).where(_OVER).limit(FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
_FORGET = delete(table).where(c.client.in_(_some_that_are_over))


class Tries:
    """Of one service. `bad` is its `BadTry`."""

    def __init__(self, database: Database, settings: TriesSettings) -> None:
        self._database = database
        self._limit = settings.tries_limit
        self._period = settings.tries_period
        self._trusted = settings.trusted_proxies
        self._refused: dict[str, datetime] = {}
        """Until when."""
        self._few = asyncio.Semaphore(MOST_AT_ONCE)

    async def bad(self, request: Request) -> None:
        client, now = client_of(request, self._trusted), self._database.clock()
        if not self._is_refused(client, now):
            async with self._few:
                if not self._is_refused(client, now):
                    await self._count(client)
        if self._is_refused(client, now):
            wait = math.ceil((self._refused[client] - now).total_seconds())
            raise HTTPException(429, headers={"Retry-After": str(wait)})

    def _is_refused(self, client: str, now: datetime) -> bool:
        return client in self._refused and now < self._refused[client]

    async def _count(self, client: str) -> None:
        async with self._database.transaction() as tx:
            over = tx.now - self._period
            counted = (await tx.execute(_COUNT, {"client": client, "now": tx.now, "over": over})).one()
            if counted.bad == 1:  # whoever begins a row clears away others, so there are never many more than count
                await tx.execute(_FORGET, {"over": over})
        if counted.bad > self._limit:
            if len(self._refused) >= MOST_REMEMBERED:
                self._refused.clear()
            self._refused[client] = counted.since + self._period
