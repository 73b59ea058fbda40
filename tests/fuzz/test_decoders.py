"""Every event's decoder, fed what a broken or hostile producer may write: an answer always, an exception never."""

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eligibility import AccountDeleted
from shared.events import Event
from shared.messaging.batch import Decoded, decode
from shared.messaging.quarantine import REASON_LENGTH, Misfit, storable
from tests.domain.test_events import FIELDS, any_of
from tests.fuzz.conftest import FUZZ

KINDS = pytest.mark.parametrize("kind", list(FIELDS), ids=lambda kind: kind.type())

ODD_TEXT = st.sampled_from(
    ["", " ", "\x00", "\u202e", "null", "NaN", "9" * 5000, "x" * 100_000, "\u0301" * 5000, "a@b", "=1+1", "true",
     "2026-13-45T99:99:99Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-07-01", "1", "Partner ",
     "\U0001f600", "%s%n{0}"]
)  # fmt: skip
ODD_NUMBER = st.sampled_from([0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("nan"), float("inf")])
ODD = st.recursive(
    st.none() | st.booleans() | ODD_NUMBER | ODD_TEXT | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["ce_type", "ce_id", "", "x"]), st.none() | st.binary(max_size=20)), max_size=3
)


def record(value: bytes | None, key: bytes | None, headers: Any = ()) -> ConsumerRecord:
    return ConsumerRecord("a-topic", 0, 7, 0, 0, key, value, None, len(key or b""), len(value or b""), tuple(headers))


def answered(kind: type[Event], given_record: ConsumerRecord) -> Decoded | Misfit:
    """What the decoder says; what it accepts is written as it was read, what it refuses can be stored."""
    answer = decode(kind, given_record)
    if isinstance(answer, Misfit):
        assert answer.reason.strip() and answer.record is given_record
        storable(answer.reason).encode()
        assert len(storable(answer.reason)) <= REASON_LENGTH
    elif not isinstance(answer.event, AccountDeleted):
        again = kind.model_validate_json(answer.event.model_dump_json())
        assert again == answer.event
        assert again.model_dump_json() == answer.event.model_dump_json()
    return answer


@KINDS
@given(value=st.binary(max_size=200) | st.none(), key=st.binary(max_size=30) | st.none(), headers=HEADERS)
@FUZZ
def test_any_bytes_are_answered(kind: type[Event], value: bytes | None, key: bytes | None, headers: Any) -> None:
    answered(kind, record(value, key, headers))


@KINDS
@given(data=st.data())
@FUZZ
def test_an_event_with_one_odd_field_is_answered(kind: type[Event], data: st.DataObject) -> None:
    fields = data.draw(any_of(kind)).model_dump(mode="json")
    name = data.draw(st.sampled_from(sorted(fields)))
    answered(kind, record(json.dumps(fields | {name: data.draw(ODD)}).encode(), None))
    del fields[name]
    answered(kind, record(json.dumps(fields | {"more": data.draw(ODD)}).encode("utf-8", "surrogatepass"), None))


@KINDS
@given(data=st.data())
@settings(FUZZ, max_examples=30)
def test_an_event_with_one_bit_or_its_end_lost_is_answered(kind: type[Event], data: st.DataObject) -> None:
    whole = data.draw(any_of(kind)).model_dump_json().encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    answered(kind, record(whole[:at], None))
    answered(kind, record(whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1 :], None))


@KINDS
@pytest.mark.parametrize(
    "value",
    [b"[" * 60_000, b'{"a":' * 12_000, b'{"registration_id":' + b"1" * 60_000 + b"}", b"\xef\xbb\xbf{}", b"1e999999",
     b'"\\ud800"', b"{" + b'"a":1,' * 9000 + b'"a":1}'],
    ids=["lists", "objects", "digits", "mark", "exponent", "surrogate", "repeated"],
)  # fmt: skip
def test_a_hostile_document_is_refused(kind: type[Event], value: bytes) -> None:
    assert isinstance(answered(kind, record(value, None)), Misfit)
