"""Counts what a batch costs, in numbers that no other work on the machine changes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from shared.database import Database


@dataclass
class Cost:
    """`statements` are those with which a service works; what SQLAlchemy and asyncpg say to begin and to end a
    transaction is not counted, the `transactions` are. `calls` of Python functions, of this thread."""

    statements: list[str] = field(default_factory=list)
    transactions: int = 0
    calls: int = 0


@contextmanager
def counted(database: Database, patch: pytest.MonkeyPatch) -> Iterator[Cost]:
    cost = Cost()
    engine = database.engine.sync_engine
    copy, execute = asyncpg.Connection.copy_records_to_table, asyncpg.Connection.execute

    def executed(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        cost.statements.append(statement)

    def begun(_connection: Any) -> None:
        cost.transactions += 1

    async def copied(connection: Any, table: str, **options: Any) -> Any:
        cost.statements.append(f"COPY {table}")
        return await copy(connection, table, **options)

    async def inserted(connection: Any, statement: str, *values: Any, **options: Any) -> Any:
        if values:  # BEGIN and COMMIT have none
            cost.statements.append(statement)
        return await execute(connection, statement, *values, **options)

    def called(_frame: FrameType, what: str, _argument: Any) -> None:
        cost.calls += what == "call"

    event.listen(engine, "before_cursor_execute", executed)
    event.listen(engine, "begin", begun)
    with patch.context() as here:
        here.setattr(asyncpg.Connection, "copy_records_to_table", copied)
        here.setattr(asyncpg.Connection, "execute", inserted)
        sys.setprofile(called)
        try:
            yield cost
        finally:
            sys.setprofile(None)
    event.remove(engine, "before_cursor_execute", executed)
    event.remove(engine, "begin", begun)
