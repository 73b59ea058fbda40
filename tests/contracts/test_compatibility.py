"""Which changes of a published contract break somebody, and which do not. `Thing` is an event of its own making."""

from copy import deepcopy
from typing import Any

import pytest

from commands.contracts.compatibility import Contract, breaks
from commands.contracts.files import contract

BOTH, READ, WRITTEN = ("send", "receive"), ("receive",), ("send",)
FIELDS: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid"},
    "name": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^x]*$"},
    "count": {"type": "integer", "minimum": 0, "exclusiveMaximum": 100},
    "language": {"type": "string", "enum": ["vi", "en"], "default": "vi"},
    "role": {"type": "string", "const": "Partner"},
    "note": {"anyOf": [{"type": "string", "maxLength": 1000}, {"type": "null"}], "default": None},
    "codes": {"type": "array", "items": {"type": "string", "maxLength": 100}},
}
REQUIRED = ["id", "name", "count", "role", "codes"]


def thing(
    actions: tuple[str, ...], fields: dict[str, Any] | None = None, required: list[str] | None = None
) -> Contract:
    """The contract of one event, on one topic, that we read, or write, or both."""
    message = {"$ref": "#/channels/thing.v1/messages/Thing"}
    document = {
        "channels": {
            "thing.v1": {
                "address": "thing.v1",
                "messages": {"Thing": {}},
                "bindings": {"kafka": {"topicConfiguration": {"cleanup.policy": ["delete"]}}},
                "x-written-by": "portal",
            }
        },
        "operations": {action: {"action": action, "messages": [message]} for action in actions},
        "components": {
            "messages": {"Thing": {"x-key-field": "id"}},
            "schemas": {"headers": {"properties": {"ce_id": {"type": "string", "description": "An id."}}}},
        },
    }
    return deepcopy(Contract(document, {"Thing": {"properties": fields or FIELDS, "required": required or REQUIRED}}))


def changed(name: str, **schema: Any) -> dict[str, Any]:
    """The fields with one of them changed in what `schema` says."""
    return FIELDS | {name: FIELDS[name] | schema}


def problems(actions: tuple[str, ...], fields: dict[str, Any], required: list[str] | None = None) -> list[str]:
    return breaks(thing(actions), thing(actions, fields, required))


def without(name: str) -> dict[str, Any]:
    return {it: schema for it, schema in FIELDS.items() if it != name}


def maybe(**schema: Any) -> dict[str, Any]:
    return {"anyOf": [FIELDS["note"]["anyOf"][0] | schema, {"type": "null"}], "default": None}


NARROWED = {
    "a type that is gone": without("note") | {"note": {"type": "string", "maxLength": 1000, "default": None}},
    "a choice that is gone": changed("language", enum=["vi"]),
    "another single value": changed("role", const="Reseller"),
    "choices where there was any text": changed("name", enum=["An", "Chi"]),
    "a shorter text": changed("name", maxLength=100),
    "a longer least text": changed("name", minLength=2),
    "a smaller number": changed("count", exclusiveMaximum=50),
    "a larger least number": changed("count", minimum=1),
    "a limit where there was none": changed("count", maximum=99),
    "a shorter text in a list": changed("codes", items={"type": "string", "maxLength": 50}),
    "a shorter text that may be null": FIELDS | {"note": maybe(maxLength=10)},
}
WIDENED = {
    "a further type": changed("role", anyOf=[{"type": "string", "const": "Partner"}, {"type": "null"}]),
    "a further choice": changed("language", enum=["vi", "en", "fr"]),
    "any text where there were choices": FIELDS | {"role": {"type": "string"}},
    "a longer text": changed("name", maxLength=201),
    "a shorter least text": changed("name", minLength=0),
    "a larger number": changed("count", exclusiveMaximum=1000),
    "a smaller least number": changed("count", minimum=-1),
    "no limit where there was one": FIELDS | {"codes": {"type": "array", "items": {"type": "string"}}},
    "a longer text that may be null": FIELDS | {"note": maybe(maxLength=2000)},
}
MEANS_SOMETHING_ELSE = {
    "another type": changed("count", type="number"),
    "another format": changed("id", format="date-time"),
    "another pattern": changed("name", pattern="^[^y]*$"),
    "another value where it is left out": changed("language", default="en"),
    "a value where it was left out for nothing": changed("name", default="An"),
    "no value where it is left out": FIELDS | {"language": {"type": "string", "enum": ["vi", "en"]}},
}


@pytest.mark.parametrize("fields", NARROWED.values(), ids=NARROWED)
def test_what_is_read_may_not_narrow_and_what_is_only_written_may(fields: dict[str, Any]) -> None:
    assert problems(READ, fields) and problems(BOTH, fields)
    assert [it for it in problems(WRITTEN, fields) if "may now be written" not in it] == []


@pytest.mark.parametrize("fields", WIDENED.values(), ids=WIDENED)
def test_what_is_written_may_not_widen_and_what_is_only_read_may(fields: dict[str, Any]) -> None:
    assert problems(WRITTEN, fields) and problems(BOTH, fields)
    assert problems(READ, fields) == []


@pytest.mark.parametrize("actions", [READ, WRITTEN], ids=["read", "written"])
@pytest.mark.parametrize("fields", MEANS_SOMETHING_ELSE.values(), ids=MEANS_SOMETHING_ELSE)
def test_a_change_of_meaning_breaks_who_writes_and_who_reads(fields: dict[str, Any], actions: tuple[str, ...]) -> None:
    [problem] = problems(actions, fields)
    assert problem.startswith("Thing.")


@pytest.mark.parametrize("actions", [READ, WRITTEN], ids=["read", "written"])
def test_a_field_that_is_gone_breaks_who_writes_and_who_reads(actions: tuple[str, ...]) -> None:
    assert problems(actions, without("note")) == ["Thing.note: the field is gone"]
    renamed = without("note") | {"remark": FIELDS["note"]}
    assert problems(actions, renamed) == ["Thing.note: the field is gone"]


def test_a_new_field_breaks_who_writes_only_where_it_must_be_there() -> None:
    fields = FIELDS | {"more": {"type": "string"}}
    assert problems(BOTH, fields) == []
    assert problems(WRITTEN, fields, [*REQUIRED, "more"]) == []
    [problem] = problems(READ, fields, [*REQUIRED, "more"])
    assert problem.startswith("Thing.more: the field is new")


def test_a_field_that_must_be_there_may_not_become_one_that_can_be_missing_where_others_read_it() -> None:
    required = [name for name in REQUIRED if name != "name"]
    assert problems(WRITTEN, FIELDS, required) == ["Thing.name: can be missing, formerly it was always there"]
    assert problems(READ, FIELDS, required) == []


def test_a_field_that_could_be_left_out_may_not_become_one_that_must_be_there_where_others_write_it() -> None:
    required = [*REQUIRED, "note"]
    assert problems(READ, FIELDS, required) == ["Thing.note: must be there, formerly it could be left out"]
    assert problems(WRITTEN, FIELDS, required) == []


def test_other_words_and_another_order_of_fields_break_nobody() -> None:
    fields = changed("name", description="In other words.")
    assert problems(BOTH, dict(reversed(fields.items())), list(reversed(REQUIRED))) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("channels", "thing.v1", "address"), "thing.v2", "is called"),
        (("channels", "thing.v1", "messages"), {"Other": {}}, "holds"),
        (("channels", "thing.v1", "x-written-by"), "approver", "is written by"),
        (
            ("channels", "thing.v1", "bindings", "kafka", "topicConfiguration", "cleanup.policy"),
            ["compact"],
            "is cleaned by",
        ),
        (("channels",), {}, "the topic is gone"),
        (("components", "messages", "Thing", "x-key-field"), "name", "the key is name"),
        (("components", "schemas", "headers", "properties"), {}, "the header ce_id"),
        (("components", "schemas", "headers", "properties", "ce_id", "type"), "integer", "the header ce_id"),
    ],
)
def test_another_topic_writer_key_cleaning_or_header_breaks(path: tuple[str, ...], value: Any, said: str) -> None:
    now = thing(BOTH)
    place: Any = now.document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    [problem] = breaks(thing(BOTH), now)
    assert said in problem


def test_an_event_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    nothing = Contract(thing(BOTH).document, {})
    assert breaks(thing(BOTH), nothing) == ["Thing: the event is gone"]
    assert breaks(nothing, thing(BOTH)) == []


def test_our_own_contract_is_read_and_compared_whole() -> None:
    """Every field of every event, taken away, is missed."""
    whole = contract()
    for name, schema in whole.schemas.items():
        for field in schema["properties"]:
            fields = {other: value for other, value in schema["properties"].items() if other != field}
            now = Contract(whole.document, whole.schemas | {name: schema | {"properties": fields}})
            assert f"{name}.{field}: the field is gone" in breaks(whole, now)
