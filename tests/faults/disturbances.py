"""What goes wrong with servers and networks. Each disturbance is a context: it begins a fault, and ends it.

Any campaign may draw from `DISTURBANCES`: `async with DISTURBANCES["kafka hang"](site): await asyncio.sleep(2)`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from embedded.kafka import Kafka
from embedded.postgres import Postgres
from shared.topics import SERVICES
from tests.faults.proxy import Fault, Proxy

SERVERS = ("kafka", "postgres", "smtp")


@dataclass(frozen=True)
class Site:
    """Where services work. They reach the servers through `proxies`; `database_url` goes past the proxy, and needs an
    administrator's rights."""

    kafka: Kafka
    postgres: Postgres
    database_url: str
    proxies: Mapping[str, Proxy]


async def as_administrator(database_url: str, *statements: str, database: str | None = None) -> None:
    """Executes them in the database of the URL, or in `database` of the same server."""
    parts = urlsplit(database_url)
    connection = await asyncpg.connect(urlunsplit(parts._replace(path=f"/{database}" if database else parts.path)))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def end_sessions(database_url: str, which: str = "true") -> None:
    """All sessions of the URL's database, or those of pg_stat_activity where `which` holds."""
    ending = (
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_name(database_url)}' and {which}"
    )
    await as_administrator(database_url, ending, database="postgres")


async def _set_read_only(database_url: str, *, read_only: bool) -> None:
    how = "set default_transaction_read_only = on" if read_only else "reset default_transaction_read_only"
    await as_administrator(database_url, f"alter database {_name(database_url)} {how}", database="postgres")


def _name(database_url: str) -> str:
    return urlsplit(database_url).path[1:]


Disturbance = Callable[[Site], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def network(server: str, fault: Fault, site: Site) -> AsyncIterator[None]:
    proxy = site.proxies[server]
    await asyncio.to_thread(proxy.suffer, fault)
    try:
        yield
    finally:
        await asyncio.to_thread(proxy.heal)


@asynccontextmanager
async def kafka_gone(how: Callable[[Kafka], object], site: Site) -> AsyncIterator[None]:
    await asyncio.to_thread(how, site.kafka)
    try:
        yield
    finally:
        await asyncio.to_thread(site.kafka.start)


@asynccontextmanager
async def postgres_gone(how: Callable[[Postgres], None], site: Site) -> AsyncIterator[None]:
    await asyncio.to_thread(how, site.postgres)
    try:
        yield
    finally:
        await asyncio.to_thread(site.postgres.start)


@asynccontextmanager
async def read_only(site: Site) -> AsyncIterator[None]:
    """As after a failover to a server that is not the primary yet: what writes gets SQLSTATE 25006."""
    await _set_read_only(site.database_url, read_only=True)
    await end_sessions(site.database_url)
    try:
        yield
    finally:
        await _set_read_only(site.database_url, read_only=False)
        await end_sessions(site.database_url)


@asynccontextmanager
async def sessions_ended(site: Site) -> AsyncIterator[None]:
    """As by an administrator. The relays lose their locks too."""
    await end_sessions(site.database_url)
    yield


DISK_FULL = """
    create or replace function public.disk_full() returns trigger language plpgsql as $$ begin
        raise exception 'could not extend file: No space left on device' using errcode = '53100';
    end $$
"""


@asynccontextmanager
async def disk_full(site: Site) -> AsyncIterator[None]:
    """What writes history gets SQLSTATE 53100."""
    begin = "create trigger disk_full before insert on {}.history execute function public.disk_full()"
    await as_administrator(site.database_url, DISK_FULL, *(begin.format(service) for service in SERVICES))
    try:
        yield
    finally:
        end = "drop trigger disk_full on {}.history"
        await as_administrator(site.database_url, *(end.format(service) for service in SERVICES))


DISTURBANCES: dict[str, Disturbance] = {
    **{f"{server} {fault}": partial(network, server, fault) for server in SERVERS for fault in Fault},
    "kafka stopped": partial(kafka_gone, Kafka.stop),
    "kafka killed": partial(kafka_gone, Kafka.kill),
    "postgres stopped": partial(postgres_gone, Postgres.stop),
    "postgres killed": partial(postgres_gone, Postgres.kill),
    "postgres read only": read_only,
    "postgres disk full": disk_full,
    "postgres sessions ended": sessions_ended,
}

UNREADY = frozenset(
    {
        *(
            f"{server} {fault}"
            for server in ("kafka", "postgres")
            for fault in (Fault.CUT, Fault.HANG, Fault.HALF_OPEN)
        ),
        "kafka stopped",
        "kafka killed",
        "postgres stopped",
        "postgres killed",
        "postgres read only",
    }
)
"""While these last no service can work, and none may say that it is ready."""
