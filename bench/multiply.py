"""Rows of one run, copied under new keys until so many registrations are stored. Within the server; each table gets its
indexes again at the end, as sorting once is many times as fast as finding each row's place.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from shared.topics import SERVICES

FOLLOWED = ("alembic_version", "outbox")  # tables of which there is nothing to multiply
COPIES = 20  # of the template with one statement
APART = 60_000  # milliseconds between two copies' keys, which have a time in front (UUIDv7)
ENDS_IN_NUMBER = frozenset({"partner_id", "account_id", "common_name"})
ADDRESSES = frozenset({"email", "customer_email", "search_text"})
OVER = {("notifier", "emails"): {"state": "'sent'", "sent_at": "queued_at"}}
"""Of rows that a run without a mail server leaves: those stored long ago have left."""

_TABLES = """
    select tablename from pg_tables where schemaname = $1 and tablename <> all($2) order by tablename
"""
_COLUMNS = """
    select column_name, data_type from information_schema.columns
    where table_schema = $1 and table_name = $2 and is_generated = 'NEVER' and is_identity = 'NO'
    order by ordinal_position
"""
_CONSTRAINTS = """
    select conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid = $1::text::regclass and contype in ('p', 'u')
"""
_INDEXES = """
    select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
    where indrelid = $1::text::regclass
        and not exists (select from pg_constraint where conindid = indexrelid)
"""


@dataclass(frozen=True, slots=True)
class Multiplied:
    """A table, and the rows of it that are copied."""

    schema: str
    name: str
    columns: Sequence[str]
    copied: Sequence[str]

    @property
    def full(self) -> str:
        return f'"{self.schema}"."{self.name}"'

    @property
    def template(self) -> str:
        return f'template."{self.schema} {self.name}"'

    def copies(self, first: int, last: int) -> str:
        return (
            f"insert into {self.full} ({', '.join(self.columns)}) select {', '.join(self.copied)}"  # noqa: S608  # our own
            f" from generate_series({first}, {last}) copy, {self.template}"
        )


async def keep_template(url: str) -> None:
    """What is stored now is what is copied from now on."""
    owner = await asyncpg.connect(url)
    await owner.execute("create schema template")
    for table in await _tables(owner):
        await owner.execute(f"create unlogged table {table.template} as table {table.full}")
    await owner.close()


async def multiply(url: str, first: int, last: int) -> None:
    """Copies number `first` to `last` of the template, of all services side by side."""
    await asyncio.gather(*(_multiply(url, service, first, last) for service in SERVICES))


async def _multiply(url: str, service: str, first: int, last: int) -> None:
    owner = await asyncpg.connect(url, command_timeout=None)
    await owner.execute("set synchronous_commit = off; set maintenance_work_mem = '1GB'")
    for table in await _tables(owner, service):
        again = await _without_indexes(owner, table)
        for number in range(first, last + 1, COPIES):
            await owner.execute(table.copies(number, min(number + COPIES - 1, last)))
        for statement in again:
            await owner.execute(statement)
        await owner.execute(f"vacuum analyze {table.full}")
    await owner.close()


async def _tables(owner: asyncpg.Connection, *services: str) -> list[Multiplied]:
    found = []
    for schema in services or SERVICES:
        for (name,) in await owner.fetch(_TABLES, schema, FOLLOWED):
            columns = await owner.fetch(_COLUMNS, schema, name)
            copied = [_copied(column, kind, OVER.get((schema, name), {})) for column, kind in columns]
            found.append(Multiplied(schema, name, [f'"{it[0]}"' for it in columns], copied))
    return found


def _copied(column: str, kind: str, over: dict[str, str]) -> str:
    """Keys become new ones, of earlier registrations."""
    if column in over:
        return over[column]
    if kind == "uuid":
        time = f"""('x' || left(replace("{column}"::text, '-', ''), 12))::bit(48)::bigint - copy * {APART}"""
        return f"""overlay(md5("{column}"::text || ':' || copy) placing lpad(to_hex({time}), 12, '0') from 1)::uuid"""
    if column in ADDRESSES:
        return f"""replace("{column}", '@', '.' || copy || '@')"""
    return f""""{column}" || '.' || copy""" if column in ENDS_IN_NUMBER else f'"{column}"'


async def _without_indexes(owner: asyncpg.Connection, table: Multiplied) -> list[str]:
    """Drops them; answers the statements that make them again."""
    constraints = await owner.fetch(_CONSTRAINTS, table.full)
    indexes = await owner.fetch(_INDEXES, table.full)
    for name, _definition in indexes:
        await owner.execute(f"drop index {name}")
    for name, _definition in constraints:
        await owner.execute(f'alter table {table.full} drop constraint "{name}"')
    added = [f'alter table {table.full} add constraint "{name}" {definition}' for name, definition in constraints]
    return [*added, *(definition for _name, definition in indexes)]
