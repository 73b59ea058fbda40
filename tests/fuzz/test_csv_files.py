"""The readers of people's lists, fed any file: rows and words, never a traceback, and no good row lost to a bad one."""

import csv
import io
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from commands import csv_files
from commands.failures import Failed
from services.portal.pages import pasted
from services.portal.pages.text_files import text_of
from shared.events import AccountUpdated, RegistrationRequested
from tests.domain.facts import CUSTOMER, NOW, account_updated
from tests.fuzz.conftest import FUZZ

COLUMNS = list(AccountUpdated.model_fields)
GOOD = account_updated(CUSTOMER).model_dump(mode="json")
CELL = st.text(max_size=12) | st.sampled_from(
    ["", '"', '""', ",", "\x00", "\r", "=1+1", "9" * 400, "\ufeff", "x" * 140_000]
)
PIECE = st.binary(max_size=40) | st.sampled_from(
    [
        b'"',
        b",",
        b"\n",
        b"\r\n",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\x00",
        b"x" * 140_000,
        ",".join(COLUMNS).encode(),
        b"email,version\n",
    ]
)


def read(path: Path, content: bytes) -> list[csv_files.Row[AccountUpdated]] | Failed:
    path.write_bytes(content)
    try:
        return list(csv_files.read(path, AccountUpdated, {}))
    except Failed as failed:
        return failed


@given(pieces=st.lists(PIECE, max_size=12))
@example(pieces=[b"x" * 140_000])
@example(pieces=[b"\xef\xbb\xbf", ",".join(COLUMNS).encode(), b"\n", b"x" * 140_000])
@settings(FUZZ, max_examples=200)
def test_any_file_gives_rows_or_a_sentence(pieces: list[bytes], tmp_path: Path) -> None:
    found = read(tmp_path / "list.csv", b"".join(pieces))
    if isinstance(found, Failed):
        assert len(found.lines) == 1 and "\n" not in found.lines[0]
    else:
        assert all((row.event is None) == bool(row.problem) for row in found)
        assert [row.line for row in found] == sorted({row.line for row in found})


@given(bad=st.lists(CELL, min_size=1, max_size=len(COLUMNS) + 2))
@settings(FUZZ, max_examples=200)
def test_a_good_row_after_any_bad_one_is_read(bad: list[str], tmp_path: Path) -> None:
    bad_row, good_row = io.StringIO(newline=""), io.StringIO(newline="")
    csv.writer(bad_row, lineterminator="").writerow(bad)
    csv.DictWriter(good_row, COLUMNS).writerow(GOOD)
    line = bad_row.getvalue().replace("\n", " ").replace("\r", " ")
    found = read(tmp_path / "list.csv", "\n".join([",".join(COLUMNS), line, good_row.getvalue()]).encode())
    assert not isinstance(found, Failed)
    assert found[-1].event is not None and found[-1].event.email == GOOD["email"]


@given(text=st.text(max_size=200))
@FUZZ
def test_a_registration_that_is_read_from_a_file_is_one_that_any_service_reads(text: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    row = io.StringIO(newline="")
    csv.writer(row).writerow([CUSTOMER, text.replace("\n", " ").replace("\r", " ")])
    path.write_bytes(b"customer_email,common_name\n" + row.getvalue().encode())
    told = {"registration_id": "01980000-0000-7000-8000-000000000001", "requested_at": NOW}
    partner = {"partner_id": "p-1", "partner_name": "P", "requested_by": "lan@partner.example"}
    for found in csv_files.read(path, RegistrationRequested, told | partner):
        if found.event is not None:
            assert RegistrationRequested.model_validate_json(found.event.model_dump_json()) == found.event


@given(data=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-16")))
@settings(FUZZ, max_examples=300)
def test_any_uploaded_file_gives_customers_or_is_known_to_be_no_text(data: bytes) -> None:
    text = text_of(data)
    if text is not None:
        assert all(isinstance(found, pasted.Customer) for found in pasted.customers(text))


@given(rows=st.lists(st.lists(CELL, max_size=5), max_size=6), delimiter=st.sampled_from(",;\t|"))
@FUZZ
def test_any_pasted_table_gives_customers(rows: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(cells) for cells in rows)
    assert all(isinstance(found, pasted.Customer) for found in pasted.customers(text))
