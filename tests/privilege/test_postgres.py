"""Each service's role in PostgreSQL may use its own schema, and nothing of the others'."""

import asyncpg
import pytest

from shared.database import role_of
from shared.topics import SERVICES

MAY_USE = """
    select nspname from pg_namespace
    where has_schema_privilege($1, oid, 'usage') and nspname::text = any($2::text[]) order by 1
"""
MAY_TOUCH = """
    select distinct relnamespace::regnamespace::text as name from pg_class
    where relkind in ('r', 'S', 'v') and relnamespace::regnamespace::text = any($2::text[])
      and (case when relkind = 'S' then has_sequence_privilege($1, oid, 'usage, select, update')
           else has_any_column_privilege($1, oid, 'select, insert, update, references')
             or has_table_privilege($1, oid, 'delete, truncate, trigger') end)
"""
MAY_MAKE = """
    select nspname from pg_namespace
    where has_schema_privilege($1, oid, 'create') and nspname::text = any($2::text[] || 'public'::text)
"""
MAY_BECOME = "select rolname from pg_roles where pg_has_role($1, oid, 'member') and rolname <> $1"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_services_role_reaches_its_own_schema_only(service: str, database_url: str) -> None:
    administrator = await asyncpg.connect(database_url)
    try:
        reached = [
            {row[0] for row in await administrator.fetch(question, role_of(service), list(SERVICES))}
            for question in (MAY_USE, MAY_TOUCH, MAY_MAKE)
        ]
        others = await administrator.fetch(MAY_BECOME, role_of(service))
        rights = await administrator.fetchrow(
            "select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = $1",
            role_of(service),
        )
    finally:
        await administrator.close()
    assert reached == [{service}, {service}, set()]
    assert others == []
    assert rights is not None and not any(rights.values())
