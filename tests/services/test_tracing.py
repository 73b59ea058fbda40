"""A registration's trace is found by its id, whatever others write into headers, and tracing holds nobody up."""

import logging
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from embedded.ports import free_port
from shared.database import Database
from shared.otlp import Collector
from shared.tracing import NOTHING, Span, Traces, first_span, parent_in, trace_id
from tests.domain.facts import requested
from tests.services.conftest import Open, rows

ID = UUID("6f1d2c3b-aaaa-4bbb-8ccc-1234567890ab")


def traces(**how: float) -> tuple[Traces, list[Span]]:
    exported: list[Span] = []
    return Traces("registrar", exported.append, **how), exported


def header(text: bytes) -> list[tuple[str, bytes | None]]:
    return [("ce_id", None), ("traceparent", text)]


def test_the_trace_has_the_registrations_id() -> None:
    begun = traces()[0].begin("handles", "RegistrationRequested", ID)
    assert begun and begun.traceparent == f"00-{trace_id(str(ID))}-{first_span(ID):016x}-01"


def test_what_one_service_tells_is_the_parent_of_what_its_reader_does() -> None:
    portal, registrar = traces()[0], traces()[0]
    told = portal.begin("tells", "CustomerConfirmed", ID)
    assert told and told.parent == first_span(ID)
    read = registrar.begin("handles", "CustomerConfirmed", ID, header(told.traceparent.encode()))
    assert read and (read.parent, read.elsewhere) == (told.id, None)


def test_somebody_elses_trace_is_linked_and_does_not_become_ours() -> None:
    theirs = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    first = traces()[0].begin("handles", "RegistrationRequested", ID, header(theirs))
    assert first and first.parent is None and first.id == first_span(ID)
    assert first.elsewhere == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)


NONE = {
    "empty": b"",
    "nonsense": b"nonsense",
    "not text": b"\xff\xfe",
    "no trace": b"00-" + 32 * b"0" + b"-b7ad6b7169203331-01",
    "no span": b"00-" + 32 * b"a" + b"-" + 16 * b"0" + b"-01",
    "capitals": b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    "long": 10_000 * b"-",
}


@pytest.mark.parametrize("said", NONE.values(), ids=NONE)
def test_a_traceparent_that_cannot_be_read_counts_as_none(said: bytes) -> None:
    assert parent_in(header(said)) is None


def test_all_services_trace_the_same_part_of_registrations() -> None:
    ids = [uuid4() for _ in range(2000)]
    some = [traces(share=0.25)[0] for _service in range(2)]
    taken = [{it for it in ids if of.begin("handles", "RegistrationOpened", it)} for of in some]
    assert taken[0] == taken[1] and 350 < len(taken[0]) < 650
    assert traces(share=0.0)[0].begin("handles", "RegistrationOpened", ids[0]) is None
    assert traces()[0].begin("handles", "RegistrationOpened", UUID(int=0)) is None, "W3C knows no such trace"


async def test_what_is_told_keeps_its_trace_in_the_outbox_and_only_once_committed_a_span_ends(
    open_database: Open,
) -> None:
    database = await open_database("portal")
    assert await _told(database) == NOTHING, "without a collector nothing is traced"
    database.traces, exported = traces()
    with pytest.raises(DBAPIError):
        await _told(database, "broken")
    assert exported == []
    kept = await _told(database)
    assert [f'{{"traceparent": "{it.traceparent}"}}' for it in exported] == [kept]


async def _told(database: Database, then: str = "select 1") -> str:
    """The headers that the outbox keeps of an event; `then` comes between it and the commit."""
    async with database.transaction() as tx:
        tx.emit(requested(ID))
        await tx.flush()
        await tx.execute(text(then))
    return str((await rows(database, "select headers from outbox order by position desc limit 1"))[0][0])


def test_a_collector_that_is_away_is_told_of_in_one_line_and_holds_nobody_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    collector = Collector("registrar", f"http://127.0.0.1:{free_port()}")
    of = Traces("registrar", collector)
    for _ in range(5000):  # more than the queue holds
        with of.span("handles", "RegistrationOpened", uuid4()):
            pass
    collector.close()
    said = [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert len(said) <= 3 and all(line.exc_info is None for line in said)
