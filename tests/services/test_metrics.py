"""A service's numbers: counted as things happen, looked up as they stand, told whatever else is away."""

from contextlib import suppress
from datetime import timedelta

import pytest

from embedded.ports import free_port
from shared import metrics as metrics_module
from shared.database import Database
from shared.events import RegistrationWithdrawn
from shared.history import Entry
from shared.metrics import COMMON, Metrics
from shared.stores import append_history
from tests.domain.facts import NOW, ONE, registration_approved
from tests.services.conftest import MovableClock, Open

APPROVED = Entry(ONE, 1, None, "approved", "VngApproved", "", "hoa@vng.example", None, NOW)
STEP = 'registration_steps_total{event="VngApproved",status="approved"}'


def told(text: bytes) -> dict[str, float]:
    """By name and labels."""
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def test_a_step_of_history_counts_once_it_is_committed(open_database: Open) -> None:
    database = await open_database("registrar")
    metrics = Metrics(database)
    with suppress(RuntimeError):
        async with database.transaction() as tx:
            append_history(tx, [APPROVED])
            raise RuntimeError
    assert STEP not in told(await metrics.text())
    async with database.transaction() as tx:
        append_history(tx, [APPROVED, APPROVED._replace(note="late", version=1)])
    assert told(await metrics.text())[STEP] == 1


async def test_what_waits_is_told_with_how_long_the_oldest_has_waited(
    open_database: Open, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "FRESH", 0.0)
    database = await open_database("registrar")
    metrics = Metrics(database)
    assert told(await metrics.text())["registration_outbox_oldest_seconds"] == 0
    async with database.transaction() as tx:
        tx.emit(registration_approved(ONE), registration_approved(ONE))
    clock.now += timedelta(seconds=90)
    numbers = told(await metrics.text())
    assert (numbers["registration_outbox"], numbers["registration_outbox_oldest_seconds"]) == (2, 90)


async def test_however_many_ask_the_database_is_asked_once_in_a_while(open_database: Open) -> None:
    database = await open_database("registrar")
    metrics = Metrics(database)
    assert told(await metrics.text())["registration_outbox"] == 0
    async with database.transaction() as tx:
        tx.emit(registration_approved(ONE))
    assert told(await metrics.text())["registration_outbox"] == 0


async def test_while_the_database_is_away_the_other_numbers_are_told(clock: MovableClock) -> None:
    database = Database(f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/nowhere", "registrar", clock)
    metrics = Metrics(database)
    metrics.handled(RegistrationWithdrawn, 17, 0.2)
    numbers = told(await metrics.text())
    await database.close()
    assert numbers["registration_database_answers"] == 0
    assert numbers['registration_batch_records_sum{event="RegistrationWithdrawn"}'] == 17
    assert not any(it.name in numbers for it in COMMON)
