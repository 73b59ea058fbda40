"""History on a real PostgreSQL: what one registration went through, found among very many."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.stores import history_of
from tests.domain.facts import NOW
from tests.services.approver.statements import statements_of
from tests.services.conftest import Open

ONE = UUID(int=7)
FILL = """
    insert into {service}.history (registration_id, version, status_to, event, note, actor, at)
    select ('00000000-0000-0000-0000-' || lpad(to_hex(n / 2), 12, '0'))::uuid, 1, 'open', 'E' || n % 2,
        case when n % 2 = 0 then '' else 'late' end, 'x', $1
    from generate_series(2, 30001) n
"""


@pytest.mark.parametrize("service", ["registrar", "notifier", "approver", "portal"])
async def test_a_history_is_found_by_indexes_with_its_notes_and_oldest_first(
    open_database: Open, database_url: str, service: str
) -> None:
    database = await open_database(service)
    owner = await asyncpg.connect(database_url, server_settings={"search_path": service})
    try:
        await owner.execute(FILL.format(service=service), NOW)
        await owner.execute("analyze")
        with statements_of(database) as sent:
            async with database.transaction() as tx:
                found = await history_of(tx, ONE)
        [(statement, parameters)] = sent
        plan: Any = await owner.fetchval(f"explain (format json) {statement}", *parameters)
    finally:
        await owner.close()
    assert [(entry.event, entry.note) for entry in found] == [("E0", ""), ("E1", "late")]
    assert "history_transition_key" in plan and "history_note_key" in plan and "Seq Scan" not in plan
