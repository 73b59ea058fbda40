"""The list as a file: what it holds, and that nothing in it is more than text."""

import asyncio
import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from services.portal import lists, store
from services.portal.app import create_app
from services.portal.facts import Fact
from services.portal.handlers import update_registrations
from services.portal.lists import Place, Wanted
from services.portal.pages import sheets
from services.portal.pages.export import ExportPages
from shared.csv_text import csv_lines
from shared.database import Database, Transaction
from shared.events import Locale, Outcome
from shared.service import Service
from shared.web.site import Site
from shared.web.templating import Pages
from tests.services.portal.conftest import AN, BINH, URL, Browse
from tests.services.portal.facts import ID, closed, minutes, opened, requested, undeliverable

FORMULAS = ["=1+1", "+84 912", "-2", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", '=HYPERLINK("http://e.example","x")']
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def hear(database: Database, *facts: Fact) -> None:
    async with database.transaction() as tx:
        await update_registrations(facts, tx)


async def register(database: Database, *names: str, partner_id: str = "p-1") -> None:
    async with database.transaction() as tx:
        made = [
            requested(uuid4(), partner_id, common_name=name, requested_at=minutes(n)) for n, name in enumerate(names)
        ]
        await store.request(tx, made)


def read_csv(answer: httpx2.Response) -> list[list[str]]:
    assert answer.status_code == 200
    assert answer.content.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def read_xlsx(answer: httpx2.Response) -> tuple[list[list[str]], str]:
    """The cells of the rows, and the raw sheet."""
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        assert not [name for name in book.namelist() if "externalLink" in name or "_rels/sheet" in name]
        raw = book.read("xl/worksheets/sheet1.xml").decode()
    rows = [
        ["".join(cell.itertext()) for cell in row.iter(f"{SHEET}c")] for row in ET.fromstring(raw).iter(f"{SHEET}row")
    ]
    return rows, raw


@pytest.mark.parametrize("locale", Locale)
async def test_both_files_say_what_the_table_says_in_the_readers_language(
    browse: Browse, database: Database, locale: Locale
) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    await hear(database, closed(Outcome.REFUSED, "conditions_not_met", "not_registered"))
    browser = browse(replace(AN, locale=locale))
    table = read_csv(await browser.get("/accounts/export.csv"))
    english = locale is Locale.EN
    assert table[0][3:6] == (
        ["Status", "Reason", "Registered on (GMT+7)"] if english else ["Trạng thái", "Lý do", "Ngày đăng ký (GMT+7)"]
    )
    name, email, role, status, reason, at, _changed, by, its_id = table[1]
    assert (name, email, by, its_id) == ("Khách Một", "khach@example.com", "an@partner.example", str(ID))
    assert (role, status) == (("Partner", "Refused") if english else ("Đối tác", "Không được chấp nhận"))
    assert at == ("1 Jul 2026, 16:00" if english else "01/07/2026 16:00")
    assert ("have no credit balance; use none" in reason) == english and "_" not in reason
    cells, _raw = read_xlsx(await browser.get("/accounts/export.xlsx"))
    assert cells[0] == table[0]
    assert [*cells[1][:5], *cells[1][7:]] == [*table[1][:5], *table[1][7:]]
    assert cells[1][5] == "46204.66666666666"  # 1 July 2026, 16:00 as Excel counts days


async def test_a_file_holds_all_pages_of_what_the_filters_show_and_nothing_of_others(
    browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(database, *(f"Nguyễn {n:03}" for n in range(130)), "Khác")
    await register(database, "Nguyễn B", partner_id="p-2")
    await hear(database, opened(uuid4(), common_name="Nguyễn mở"))
    monkeypatch.setattr(lists, "CHUNK", 40)
    lists._chunk.cache_clear()
    for read in (read_csv, lambda answer: read_xlsx(answer)[0]):
        kind = "csv" if read is read_csv else "xlsx"
        rows = read(await browse().get(f"/accounts/export.{kind}?q=nguyen&status=requested&sort=name"))
        assert [row[0] for row in rows[1:]] == [f"Nguyễn {n:03}" for n in range(130)]
        assert [row[0] for row in read(await browse(BINH).get(f"/accounts/export.{kind}"))[1:]] == ["Nguyễn B"]
    lists._chunk.cache_clear()


@pytest.mark.parametrize("name", FORMULAS)
async def test_what_looks_like_a_formula_is_text_in_both_files(browse: Browse, database: Database, name: str) -> None:
    await register(database, name)
    assert read_csv(await browse().get("/accounts/export.csv"))[1][0] == f"'{name}"
    cells, raw = read_xlsx(await browse().get("/accounts/export.xlsx"))
    assert cells[1][0] == name
    assert "<f>" not in raw and "hyperlink" not in raw.lower().replace("=hyperlink", "")
    assert re.search(r'<c r="A2"[^>]* t="(inlineStr|s|str)"', raw)


FORMULA_LIKE = st.text(st.sampled_from("=+-@;|\t\r\n ＝＠'\"a,\u00a0"))


@given(st.lists(st.lists(st.text() | FORMULA_LIKE, min_size=2, max_size=2), max_size=5))
def test_no_cell_of_a_csv_begins_a_formula_whatever_separates_cells_and_none_is_lost(rows: list[list[str]]) -> None:
    text = csv_lines(rows)
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert len(read) == len(rows)
    for cells, written in zip(rows, read, strict=True):
        for cell, kept in zip(cells, written, strict=True):
            assert kept.replace("'", "") == cell.replace("'", "")
            for part in re.split(r"[;|\t\r\n]", kept):
                assert not part.lstrip(" \u00a0\u3000").startswith(tuple("=+-@＝＋－＠"))
    for separator in ",;\t|":  # as a spreadsheet reads it that expects another one
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            assert not [it for it in cells if it.lstrip(" \u00a0\u3000").startswith(tuple("=+-@＝＋－＠"))]


async def test_a_book_too_small_for_the_list_says_so_in_its_last_line(
    browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(database, *(f"K{n}" for n in range(5)))
    browser = browse()
    for most, names in ((5, ["K4", "K3", "K2", "K1", "K0"]), (4, ["K4", "K3", "K2", "K1"])):
        monkeypatch.setattr(sheets, "MOST_ROWS", most)
        rows = read_xlsx(await browser.get("/accounts/export.xlsx"))[0][1:]
        assert [row[0] for row in rows[: len(names)]] == names
        assert len(rows) == len(names) + (most == 4)
    assert rows[-1][0].startswith("There are more customers than a sheet of Excel can hold.")


both_kinds = pytest.mark.parametrize("kind", ["csv", "xlsx"])


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Wanted]]:
    """What exports have read, piece by piece; two rows are one."""
    read: list[Wanted] = []
    original = lists.chunk

    async def chunk(tx: Transaction, wanted: Wanted, place: Place | None) -> Any:
        read.append(wanted)
        return await original(tx, wanted, place)

    monkeypatch.setattr(lists, "CHUNK", 2)
    monkeypatch.setattr(lists, "chunk", chunk)
    lists._chunk.cache_clear()
    yield read
    lists._chunk.cache_clear()


@both_kinds
async def test_a_partner_exports_one_list_at_a_time_and_is_told_so(
    browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()
    original = lists.chunk

    async def chunk(tx: Transaction, wanted: Wanted, place: Place | None) -> Any:
        if wanted.partner_id == "p-1":
            begun.set()
            await goes_on.wait()
        return await original(tx, wanted, place)

    monkeypatch.setattr(lists, "chunk", chunk)
    await register(database, "An")
    first = asyncio.create_task(browse().get(f"/accounts/export.{kind}"))
    await begun.wait()
    for other in ("csv", "xlsx"):
        refused = await browse().get(f"/accounts/export.{other}")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        assert "Wait until that file is there" in refused.text
        assert (await browse(BINH).get(f"/accounts/export.{other}")).status_code == 200
    goes_on.set()
    assert (await first).status_code == 200
    assert (await browse().get(f"/accounts/export.{kind}")).status_code == 200


async def test_an_export_that_fails_bars_no_other(
    browse: Browse, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(lists, "chunk", fails)
        for kind in ("csv", "xlsx"):
            with pytest.raises(RuntimeError):
                await browse().get(f"/accounts/export.{kind}")
    assert (await browse().get("/accounts/export.csv")).status_code == 200


@both_kinds
async def test_to_be_asked_about_a_file_reads_nothing(
    browse: Browse, database: Database, pieces: list[Wanted], kind: str
) -> None:
    await register(database, "An")
    browser = browse()
    asked = await browser.head(f"/accounts/export.{kind}")
    assert (asked.status_code, pieces) == (200, [])
    got = await browser.get(f"/accounts/export.{kind}")
    for name in ("content-type", "content-disposition"):
        assert asked.headers[name] == got.headers[name]


async def test_nothing_more_is_read_for_a_browser_that_has_left(
    portal: Service, browse: Browse, database: Database, pieces: list[Wanted]
) -> None:
    await register(database, *(f"K{n}" for n in range(9)))

    async def left() -> Message:
        return {"type": "http.disconnect"}

    async def nowhere(_message: Message) -> None:
        pass

    pages = Pages(Site("portal", URL), Path(create_app.__code__.co_filename).parent)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "session": {}}
    answer = await ExportPages(pages, database).xlsx(Request(scope, left), AN)
    await answer(scope, left, nowhere)
    assert len(pieces) == 1


async def test_a_mail_that_failed_is_said_beside_the_status(browse: Browse, database: Database) -> None:
    await hear(database, opened(), undeliverable())
    row = read_csv(await browse().get("/accounts/export.csv"))[1]
    assert row[3] == "Waiting for the customer's confirmation (Could not be delivered)"
