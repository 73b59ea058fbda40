"""`registration contracts check`: what an upstream portal learns of the events that it writes, before any is sent."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from commands.contracts.check import check
from commands.contracts.schemas import schema_of
from commands.contracts.wording import expected
from shared.messaging.batch import LARGEST_EVENT
from tests.command_line import as_process, registration
from tests.contracts.golden import KINDS, examples

REQUEST: dict[str, Any] = {
    "registration_id": "01980000-0000-7000-8000-000000000001",
    "partner_id": "p-1",
    "partner_name": "Công ty Đối Tác",
    "customer_email": "khach@example.vn",
    "common_name": "Khách của tôi",
    "requested_by": "lan@doi-tac.example",
    "requested_at": "2026-07-01T09:00:00Z",
}


def cloud_event(**members: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "type": "RegistrationRequested", "data": REQUEST} | members


def written(folder: Path, *lines: object) -> str:
    """A file. A line is JSON of an object, or the bytes given."""
    file = folder / "events.jsonl"
    file.write_bytes(b"".join((it if isinstance(it, bytes) else json.dumps(it).encode()) + b"\n" for it in lines))
    return str(file)


def problems(folder: Path, line: bytes, kind: str | None = "RegistrationRequested") -> list[str]:
    file = folder / "events.jsonl"
    file.write_bytes(line)
    return [it for checked in check(file, KINDS[kind] if kind else None) for it in checked.problems]


def test_good_events_are_counted_and_the_status_is_0(tmp_path: Path) -> None:
    file = written(tmp_path, REQUEST, b"", REQUEST)
    done = as_process("contracts", "check", file, "--type", "RegistrationRequested", env=os.environ, status=0)
    assert (done.stdout, done.stderr) == ("2 events checked, 0 bad\n", "")


def test_a_bad_line_is_told_by_its_number_field_what_was_found_and_what_was_expected(tmp_path: Path) -> None:
    left_out = {name: value for name, value in REQUEST.items() if name != "partner_id"}
    file = written(
        tmp_path,
        cloud_event(),
        cloud_event(data=REQUEST | {"customer_email": "khach@", "requested_at": "yesterday"}),
        b"not JSON",
        b"\xff\xfe",
        cloud_event(type="CustomerArrived"),
        cloud_event(data=left_out),
        cloud_event(data=REQUEST | {"requester_locale": "fr", "requester_local": "vi"}),
        cloud_event(subject="another key"),
        REQUEST,
        [],
    )
    done = registration("contracts", "check", file, env=os.environ, status=1)
    assert done.stdout.splitlines() == [
        "line 7: requester_local: no field of RegistrationRequested; it is ignored",
        "10 events checked, 9 bad",
    ]
    shapes = (
        r'2: customer_email: found "khach@" \(.+\); expected an email address, .*5 to 254 characters',
        r'2: requested_at: found "yesterday"; expected an RFC 3339 time with its zone, like "20.+Z"',
        r"3: the line: .+; expected one JSON object, in UTF-8",
        r"4: the line: .+; expected one JSON object, in UTF-8",
        r'5: type: found "CustomerArrived"; expected one of RegistrationRequested, .+',
        r"6: partner_id: found nothing; expected an identifier, .+, 1 to 100 characters",
        r'7: requester_locale: found "fr"; expected one of "vi", "en"',
        r'8: subject: found "another key"; expected the record\'s key, "01980000-0000-7000-8000-000000000001"',
        r"9: type and data missing; expected a CloudEvent, or name the type of all lines by --type",
        r"10: the line: found \[\]; expected one JSON object",
    )
    wrong = done.stderr.splitlines()
    assert len(wrong) == len(shapes)
    for line, shape in zip(wrong, shapes, strict=True):
        assert re.fullmatch(f"registration: line {shape}", line), line


def test_a_file_that_is_not_there_and_a_type_that_is_not_are_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = registration("contracts", "check", str(tmp_path / "none"), env=os.environ, status=1)
    assert re.fullmatch(r"registration: .+ cannot be read: .+; expected a file with one event a line\n", done.stderr)
    file = written(tmp_path, REQUEST)
    done = registration("contracts", "check", file, "--type", "Nothing", env=os.environ, status=2)
    assert "RegistrationRequested" in done.stderr


@pytest.mark.parametrize("example", [it for it in examples() if it.kind.type() != "Quarantined"], ids=str)
def test_every_golden_example_is_judged_as_the_services_judge_it(tmp_path: Path, example: Any) -> None:
    name = example.kind.type()
    assert (problems(tmp_path, example.read, name) == []) == (example.written is not None)
    wrapped = json.dumps({"type": name, "subject": example.key, "data": json.loads(example.read)}).encode()
    assert (problems(tmp_path, wrapped, None) == []) == (example.written is not None)


@pytest.mark.parametrize(
    "line",
    [b"[" * 60_000, b'{"a":' * 20_000, b'{"registration_id":' + b"1" * 60_000 + b"}", b'"\\ud800"', b"{}" * 9,
     b'{"partner_id":"\\ud800"}', b'{"type":null,"data":null}', b'{"type":["x"],"data":1}', b"NaN", b"\x00",
     b'{"type":"ReviewDue","data":[]}', b'{"type":"ReviewDue","data":{"due_at":1e999}}'],
)  # fmt: skip
def test_whatever_a_line_holds_it_is_answered_on_one_line_each(tmp_path: Path, line: bytes) -> None:
    for kind in ("RegistrationRequested", None):
        told = problems(tmp_path, line, kind)
        assert told and all("\n" not in it and "expected" in it and len(it) < 800 for it in told)


def test_an_event_that_is_larger_than_services_read_is_bad(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, json.dumps(REQUEST | {"more": "x" * LARGEST_EVENT}).encode())
    assert f"expected {LARGEST_EVENT} at most" in problem


def test_what_each_field_expects_is_told_in_words() -> None:
    fields = schema_of(KINDS["AccountUpdated"])["properties"] | schema_of(KINDS["VngApproved"])["properties"]
    assert expected(fields["registration_id"]) == "a UUID"
    assert expected(fields["in_poc"]) == "true or false"
    assert expected(fields["active_services"]) == "a whole number from 0 to 2147483647"
    assert expected(fields["note"]).endswith("1 to 1000 characters or null")
    assert expected(fields["failing_codes"]).startswith("a list, each of it an identifier")
    assert expected(schema_of(KINDS["RegistrationRequested"])["properties"]["role"]) == '"Partner"'
