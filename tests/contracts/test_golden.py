"""What events look like on the wire, for ever: decoder, encoder and published schema agree, byte by byte."""

import json
from typing import Any

import jsonschema_rs
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings

from commands.contracts.files import REFERENCE, contract_in
from shared.eligibility import AccountDeleted
from shared.events import Event
from shared.messaging.batch import Decoded, decode
from shared.messaging.quarantine import Misfit
from tests.contracts.golden import FOLDER, KINDS, Example, examples
from tests.domain.test_events import any_event

EXAMPLES = list(examples())
SCHEMAS = {
    name: jsonschema_rs.Draft7Validator(schema, validate_formats=True)
    for name, schema in contract_in(REFERENCE).schemas.items()
}
ACCEPTED = pytest.mark.parametrize("example", [it for it in EXAMPLES if it.written is not None], ids=str)
REFUSED = pytest.mark.parametrize("example", [it for it in EXAMPLES if it.written is None], ids=str)


def decoded(example: Example) -> Decoded | Misfit:
    size = len(example.read)
    return decode(example.kind, ConsumerRecord("a-topic", 0, 0, 0, 0, None, example.read, None, 0, size, ()))


def against_schema(kind: type[Event], value: bytes | str) -> str | None:
    """What the published schema has against `value`; None where nothing."""
    document: Any = json.loads(value)
    return next((str(error) for error in SCHEMAS[kind.type()].iter_errors(document)), None)


def test_every_event_has_a_minimal_a_full_an_odd_and_a_refused_example_and_a_file_of_its_own() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(KINDS)
    for kind in KINDS.values():
        names = " ".join(it.name for it in EXAMPLES if it.kind is kind)
        assert all(word in names for word in ("minimal", "full", "odd", "refused")), kind


@ACCEPTED
def test_an_example_is_decoded_and_written_byte_by_byte_as_ever_under_its_key(example: Example) -> None:
    answer = decoded(example)
    assert isinstance(answer, Decoded) and not isinstance(answer.event, AccountDeleted), answer
    assert answer.event.model_dump_json().encode() == example.written
    assert answer.event.key == example.key


@ACCEPTED
def test_the_published_schema_accepts_an_example_as_it_is_read_and_as_it_is_written(example: Example) -> None:
    assert against_schema(example.kind, example.read) is None
    assert example.written and against_schema(example.kind, example.written) is None


@REFUSED
def test_what_must_be_refused_is_refused_by_the_decoder_and_by_the_published_schema(example: Example) -> None:
    assert isinstance(decoded(example), Misfit)
    assert against_schema(example.kind, example.read) is not None


@given(any_event)
@settings(max_examples=50)
def test_whatever_a_service_writes_its_published_schema_accepts(event: Event) -> None:
    assert against_schema(type(event), event.model_dump_json()) is None
