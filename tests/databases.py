"""Databases of tests on one server: empty ones, and ones with all services' tables.

The latter are copies of a database that was migrated once: 30 to 200 ms, as the disk is, in place of 300 and more.
`migrate` gives rights to schemas and tables, which a copy has too, and makes roles, which are the server's: a copy
lacks nothing. What a test gives back is emptied for the next one, in a few milliseconds, unless somebody is still in it
or its tables are others now.
"""

import asyncio
import itertools
from collections import deque

import asyncpg

from embedded.postgres import Postgres
from shared.migrations import migrate
from shared.topics import SERVICES

TEMPLATE = "migrated"
MOMENTS = 40

_OURS = f"select oid from pg_namespace where nspname in ({', '.join(map(repr, SERVICES))}, 'public')"
_TABLES = f"select * from pg_class where relnamespace in ({_OURS}) and relname <> 'alembic_version'"
_SHAPE = f"""
select concat(
    (select array_agg((relname, relkind, relowner, relacl, relnatts, relchecks)::text order by oid)
        from ({_TABLES}) as tables),
    (select array_agg((tgrelid, tgname, tgenabled)::text order by tgname) from pg_trigger),
    {", ".join(f"(select version_num from {service}.alembic_version)" for service in SERVICES)})
"""
_OTHERS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
_EMPTY = f"""
do $$ declare used text; begin
    select string_agg(oid::regclass::text, ', ') into used
    from ({_TABLES}) as tables where relkind = 'r' and pg_relation_size(oid) > 0;
    if used is not null then execute 'truncate ' || used || ' restart identity'; end if;
end $$
"""


class Databases:
    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._shape = ""
        self._emptied = deque[str]()

    async def make_template(self) -> None:
        """Once, before the first copy."""
        url = self._server.create_database(TEMPLATE)
        for service in SERVICES:
            await migrate(url, service)
        template = await asyncpg.connect(url)
        try:
            self._shape = await template.fetchval(_SHAPE)
        finally:
            await template.close()

    async def empty(self) -> str:
        """The URL of a new database without anything in it."""
        return await self._copy("template1")

    async def migrated(self) -> str:
        """The URL of a database with the tables of all services and nothing in them."""
        return self._emptied.popleft() if self._emptied else await self._copy(TEMPLATE)

    async def give_back(self, url: str) -> None:
        """By a test that is done with what `migrated` gave it, for another one."""
        database = await asyncpg.connect(url)
        try:
            if await _alone(database) and await database.fetchval(_SHAPE) == self._shape:
                await database.execute(_EMPTY)
                self._emptied.append(url)
        finally:
            await database.close()

    async def _copy(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        owner = await asyncpg.connect(self._server.url)
        try:
            await owner.execute(f"create database {name} template {template} strategy file_copy")
        finally:
            await owner.close()
        return self._server.url_of(name)


async def _alone(database: asyncpg.Connection) -> bool:
    """Sessions that were just closed take a moment to end."""
    for _ in range(MOMENTS):
        if await database.fetchval(_OTHERS) == 0:
            return True
        await asyncio.sleep(0.005)
    return False
