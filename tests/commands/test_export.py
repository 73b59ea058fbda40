"""`export`: every registration once, as a list that a spreadsheet opens and another program reads."""

import asyncio
import csv
import os
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from commands import export as command
from services.registrar.handlers import handlers
from services.registrar.opening import Policy
from shared.database import Database
from shared.eligibility import CurrentCustomers
from shared.settings import DatabaseSettings
from tests.command_line import Said, as_process, registration
from tests.domain.facts import DAY, NOW, ONE, OTHER_PARTNER, THREE, TWO, account_updated, declined, requested

HANDLERS = handlers(Policy(100, 30 * DAY, CurrentCustomers.SKIP))


async def hear(url: str, *events: object, days: int = 0) -> None:
    database = Database(url, "registrar", lambda: NOW + days * DAY, pool_size=1)
    for event in events:
        async with database.transaction() as tx:
            await HANDLERS[type(event)]([event], tx)  # type: ignore[index]  # each is an event with a handler
    await database.close()


@pytest.fixture
def registered(database_url: str) -> str:
    """One is declined two days later, one is refused, one asks for a second partner's customer."""
    formula = '=HYPERLINK("http://x")'
    one, three = requested(ONE, common_name="Khách, quen"), requested(THREE, customer_email="c@x.vn", **OTHER_PARTNER)
    two = requested(TWO, customer_email="b@x.vn", common_name=formula)
    asyncio.run(hear(database_url, account_updated(), account_updated("c@x.vn"), one, two, three))
    asyncio.run(hear(database_url, declined(ONE), days=2))
    return database_url


def export(url: str, *words: str, status: int = 0) -> Said:
    return registration("export", *words, env={**os.environ, "DATABASE_URL": url}, status=status)


def ids(text: str) -> list[UUID]:
    return [UUID(row["registration_id"]) for row in csv.DictReader(StringIO(text))]


def test_each_registration_is_a_row_and_what_looks_like_a_formula_is_text(registered: str, tmp_path: Path) -> None:
    printed = as_process("export", env={**os.environ, "DATABASE_URL": registered}, status=0).stdout
    one, two, three = csv.DictReader(StringIO(printed))
    assert one == {
        "registration_id": str(ONE),
        "partner_id": "p-1",
        "partner_name": "Công ty Đối Tác",
        "customer_email": "khách@example.vn",
        "common_name": "Khách, quen",
        "status": "declined",
        "codes": "",
        "requested_at": "2026-07-01T09:00:00.000000Z",
        "changed_at": "2026-07-03T09:00:00.000000Z",
    }
    assert (two["common_name"], two["codes"]) == ('\'=HYPERLINK("http://x")', "not_registered")
    assert three["status"] == "awaiting_confirmation"
    file = tmp_path / "list.csv"
    assert export(registered, str(file)).stdout == ""
    assert (
        file.read_text(encoding="utf-8-sig") == printed.replace("\r\n", "\n")
        and file.read_bytes()[:3] == b"\xef\xbb\xbf"
    )


def test_a_status_a_partner_or_a_time_narrows_the_list(registered: str, tmp_path: Path) -> None:
    assert ids(export(registered, "--status", "refused", "--status", "declined").stdout) == [ONE, TWO]
    assert ids(export(registered, "--partner", "p-2", "--since", "2026-07-01T09:00:00Z").stdout) == [THREE]
    assert ids(export(registered, "--since", "2026-07-03T16:00:00+07:00").stdout) == [ONE]
    assert "RFC 3339" in export(registered, "--since", "yesterday", status=2).stderr
    assert "awaiting_approval" in export(registered, "--status", "open", status=2).stderr
    assert "cannot be written" in export(registered, str(tmp_path / "no" / "list.csv"), status=1).stderr


async def test_a_list_of_any_length_is_read_piece_by_piece(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "AT_ONCE", 2)
    numbered = [UUID(int=n) for n in range(1, 6)]
    await hear(database_url, *(requested(it, customer_email=f"k{it.int}@x.vn") for it in numbered))
    settings = DatabaseSettings(database_url=SecretStr(database_url))
    pieces = [piece async for piece in command.export(settings, [], None, None)]
    assert ids("".join(pieces)) == numbered
    assert [len(piece.splitlines()) for piece in pieces] == [1, 2, 2, 1]
