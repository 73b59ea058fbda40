"""Quarantined records are replayed through their service's handler once, or discarded, and it is kept who did it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.database import Database
from shared.events import Event
from shared.messaging import settling
from shared.messaging.readable import one_line, readable
from shared.messaging.settling import Discarded, FailedAgain, Origin, Replayed, SettledBefore
from shared.service import Service
from shared.topics import topic_of
from tests.domain.facts import CUSTOMER, account_updated, confirmed, requested
from tests.quarantine.records import reads, record

BY = "hoa@vng.example"
CONFIRMED = "customer-confirmed.v1"


async def hears(service: Service, *events: Event) -> None:
    await reads(service, *(record(topic_of(type(it), "portal"), it.model_dump_json().encode()) for it in events))


async def query(database: Database, sql: str) -> Sequence[Any]:
    async with database.engine.connect() as connection:
        return [tuple(row) for row in await connection.exec_driver_sql(sql)]


async def numbers(database: Database) -> list[int]:
    async with database.transaction() as tx:
        return [it.id for it in await settling.waiting(tx, 100)]


async def early_confirmation(registrar: Service) -> int:
    """Of a registration that is requested only after it: quarantined, and right by now."""
    await hears(registrar, confirmed())
    [number] = await numbers(registrar.database)
    await hears(registrar, account_updated(), requested())
    return number


async def test_a_replayed_record_has_its_effect_once_and_leaves_quarantine_with_who_did_it(registrar: Service) -> None:
    number = await early_confirmation(registrar)
    replay = [settling.replay(registrar.database, registrar.consumer.inbox, number, f"{n}@x.example") for n in range(3)]
    outcomes = await asyncio.gather(*replay)
    assert sorted(type(it).__name__ for it in outcomes) == ["Replayed", "SettledBefore", "SettledBefore"]
    assert await query(registrar.database, "select status, version from registrations") == [("awaiting_approval", 2)]
    lines = await query(registrar.database, "select event, note from history order by id")
    assert lines == [("RegistrationRequested", ""), ("CustomerConfirmed", "")]
    [(state, by, at)] = await query(registrar.database, "select state, acted_by, acted_at from quarantine")
    assert (state, by[1:]) == ("replayed", "@x.example") and at is not None
    assert await numbers(registrar.database) == []


async def test_a_replay_that_fails_again_says_why_stays_and_changes_nothing_else(registrar: Service) -> None:
    await hears(registrar, confirmed())
    [number] = await numbers(registrar.database)
    outcome = await settling.replay(registrar.database, registrar.consumer.inbox, number, BY)
    assert isinstance(outcome, FailedAgain) and outcome.why == "unknown_registration"
    async with registrar.database.transaction() as tx:
        kept = await settling.get(tx, number)
    assert kept and kept.waits and kept.reason == "unknown_registration"
    assert (kept.acted_by, kept.remark) == (BY, "replay failed: unknown_registration")
    assert await query(registrar.database, "select type from outbox") == [("Quarantined",)]


async def test_a_handler_that_breaks_in_a_replay_leaves_no_trace(
    registrar: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await early_confirmation(registrar)
    handlers: Any = registrar.consumer.inbox.handlers
    kind = next(it for it in handlers if it.type() == "CustomerConfirmed")
    right = handlers[kind]

    async def breaks(events: Any, tx: Any) -> None:
        await right(events, tx)
        raise ValueError("a defect")

    monkeypatch.setitem(handlers, kind, breaks)
    outcome = await settling.replay(registrar.database, registrar.consumer.inbox, number, BY)
    assert isinstance(outcome, FailedAgain) and outcome.why == "handler_failed: ValueError: a defect"
    assert await query(registrar.database, "select status from registrations") == [("awaiting_confirmation",)]
    monkeypatch.setitem(handlers, kind, right)
    assert isinstance(await settling.replay(registrar.database, registrar.consumer.inbox, number, BY), Replayed)


async def test_bytes_that_cannot_be_decoded_fail_again_for_the_same_reason(registrar: Service) -> None:
    await reads(registrar, record(CONFIRMED, b"{", headers=[("odd", b"\xff"), ("null", None)]))
    [number] = await numbers(registrar.database)
    outcome = await settling.replay(registrar.database, registrar.consumer.inbox, number, BY)
    assert isinstance(outcome, FailedAgain) and outcome.why.startswith("undecodable")


async def test_an_old_deletion_that_is_replayed_deletes_no_newer_account(registrar: Service) -> None:
    """Its place in the topic says that it is old."""
    accounts = "account-updated.v1"
    await reads(registrar, record(accounts, None, key=b"not an address", offset=1_000_001))
    newer = account_updated().model_dump_json().encode()
    await reads(registrar, record(accounts, newer, key=CUSTOMER.encode(), offset=1_000_002))
    await query_change(registrar.database, "update quarantine set key = convert_to('khách@example.vn', 'UTF8')")
    [number] = await numbers(registrar.database)
    assert isinstance(await settling.replay(registrar.database, registrar.consumer.inbox, number, BY), Replayed)
    assert await query(registrar.database, "select deleted from accounts") == [(False,)]


async def query_change(database: Database, sql: str) -> None:
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(sql)


async def test_a_discarded_record_is_kept_with_its_reason_and_never_replayed(registrar: Service) -> None:
    number = await early_confirmation(registrar)
    assert isinstance(await settling.discard(registrar.database, number, BY, "sent by a test"), Discarded)
    again = await settling.replay(registrar.database, registrar.consumer.inbox, number, "else@x.example")
    assert isinstance(again, SettledBefore) and again.entry.acted_by == BY
    assert isinstance(await settling.discard(registrar.database, number, "else@x.example", "no"), SettledBefore)
    [row] = await query(registrar.database, "select state, acted_by, remark from quarantine")
    assert row == ("discarded", BY, "sent by a test")
    assert await query(registrar.database, "select status from registrations") == [("awaiting_confirmation",)]


async def test_a_record_is_found_by_where_it_came_from(registrar: Service) -> None:
    await reads(registrar, record(CONFIRMED, b"{", offset=77))
    async with registrar.database.transaction() as tx:
        it = await settling.get(tx, Origin(CONFIRMED, 0, 77))
        other = await settling.get(tx, Origin(CONFIRMED, 0, 78))
    assert it and it.offset == 77 and other is None


@pytest.mark.parametrize("timestamp", [-1, 2**62, 10**17], ids=["none", "beyond any clock", "beyond the calendar"])
async def test_a_time_that_no_calendar_holds_keeps_no_record_out_of_quarantine(
    registrar: Service, timestamp: int
) -> None:
    await reads(registrar, record(CONFIRMED, b"{", timestamp=timestamp))
    assert await query(registrar.database, "select produced_at from quarantine") == [(None,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17", 17),
        ("a-b.v1:3:9", Origin("a-b.v1", 3, 9)),
        ("9223372036854775808", None),
        ("-1", None),
        ("a b:1:1", None),
        ("$(x):1:1", None),
        ("a:1", None),
        ("١٧", None),
    ],
)
def test_people_name_a_record_by_its_number_or_origin(text: str, expected: object) -> None:
    assert settling.which(text) == expected


@pytest.mark.parametrize(
    ("value", "most", "expected"),
    [
        (None, None, "null"),
        ("Nguyễn".encode(), None, "Nguyễn"),
        (b"\xff\xfe", None, "hex fffe"),
        ("\x1b[31m\u202e\ufeffđ".encode(), None, "\\x1b[31m\\u202e\\ufeffđ"),
        ("aễb".encode(), 3, "a"),
        (b"a\xff\xff\xff", 3, "hex 61ffff"),
    ],
    ids=["null", "text", "bytes", "signs", "cut in a letter", "cut bytes"],
)
def test_bytes_are_shown_as_text_that_acts_on_nothing(value: bytes | None, most: int | None, expected: str) -> None:
    assert readable(value, most) == expected
    assert one_line("a\nb\u2028") == "a\\nb\\u2028"
