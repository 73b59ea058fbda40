"""The documents that others build on are those of this code, and are what they say they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from commands.contracts.asyncapi import HEADERS, document
from commands.contracts.compatibility import breaks
from commands.contracts.files import PUBLISHED, REFERENCE, contract, contract_in, texts, texts_in
from shared.messaging import cloudevents
from shared.topics import TOPICS
from tests.domain.facts import NOW

OF_ASYNCAPI = Path(__file__).with_name("vendor") / "asyncapi-3.0.0.json"


def test_the_documents_in_the_docs_are_made_from_the_events_and_topics_as_they_are() -> None:
    assert texts_in(REFERENCE) == texts(contract()), "docs/reference is out of date; run: make contracts"


def test_nothing_that_was_published_is_broken() -> None:
    assert breaks(contract_in(PUBLISHED), contract()) == []


def test_the_document_is_valid_by_asyncapis_own_schema() -> None:
    validator = jsonschema_rs.Draft7Validator(json.loads(OF_ASYNCAPI.read_text(encoding="utf-8")))
    assert [str(error) for error in validator.iter_errors(document())] == []
    wrong = document()
    wrong["operations"]["registrar.sends.registration-opened.v1"]["action"] = "shout"
    assert not validator.is_valid(wrong)


@pytest.mark.parametrize("schema", contract().schemas.values(), ids=contract().schemas)
def test_every_schema_is_valid_by_the_schema_of_schemas(schema: dict[str, Any]) -> None:
    jsonschema_rs.meta.validate(schema)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    whole = document()
    for reference in set(_references(whole)):
        file, _, path = reference.partition("#")
        place: Any = whole
        if file:
            assert (REFERENCE / file).is_file(), reference
        for step in path.split("/")[1:]:
            place = place[step]


def _references(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and "$ref" in value:
        yield value["$ref"]
    for it in inner:
        yield from _references(it)


def test_the_headers_of_the_document_are_those_that_services_write() -> None:
    told = cloudevents.headers(id="1", source="registrar", type="T", subject="k", time=NOW)
    written = {name: value.decode() for name, value in told}
    assert set(HEADERS) == set(written) | {"traceparent"}
    schema = document()["components"]["schemas"]["headers"]
    assert jsonschema_rs.Draft7Validator(schema, validate_formats=True).is_valid(written)


def test_the_document_says_of_every_topic_who_writes_and_who_reads_it() -> None:
    told = {(it["action"], it["tags"][0]["name"], it["channel"]["$ref"]) for it in document()["operations"].values()}
    reads = {("receive", who, f"#/channels/{topic.name}") for topic in TOPICS for who in topic.readers}
    writes = {("send", topic.writer, f"#/channels/{topic.name}") for topic in TOPICS if " " not in topic.writer}
    assert told == reads | writes
