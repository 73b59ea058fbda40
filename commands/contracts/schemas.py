"""One JSON Schema an event, from its fields. Pure.

What a schema accepts, the decoder accepts, but for what JSON Schema cannot say: NOTE tells it. What a service writes,
the schema accepts. The decoder is more generous than the schema in places (spaces around a text that is at its limit,
a UUID in braces); others do well not to rely on that.
"""

from typing import Any

from shared.events import Event

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that AsyncAPI's own schema objects extend, and that validators in every language know."""
UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
"""The dialect does not know `uuid` as a format, so most validators would let anything pass."""
NOTE = (
    "Fields that are not named here are ignored. Spaces around a text do not count. Beyond this schema: an address is "
    "one that the library email-validator accepts without DNS, lengths of names, keys and reasons count after NFC "
    "composition, whole numbers have no decimal point, and a moment must exist in UTC."
)


def meaning(kind: type[Event]) -> str:
    """In a line."""
    return " ".join((kind.__doc__ or "").split())


def schema_of(kind: type[Event]) -> Schema:
    """A document of its own, without references."""
    told = kind.model_json_schema()
    defined = told.get("$defs", {})
    return {
        "$schema": DIALECT,
        "$id": f"urn:registration:v1:{kind.type()}",
        "title": kind.type(),
        "description": f"{meaning(kind)} {NOTE}",
        "type": "object",
        "properties": {name: _plain(value, defined) for name, value in told["properties"].items()},
        "required": told["required"],
        "additionalProperties": True,
    }


def _plain(schema: Schema, defined: dict[str, Schema]) -> Schema:
    """Without references, and without the titles that pydantic makes of names."""
    whole = {**defined[schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else dict(schema)
    whole.pop("$ref", None)
    whole.pop("title", None)
    if whole.get("format") == "uuid":
        whole["pattern"] = UUID
    if "anyOf" in whole:
        whole["anyOf"] = [_plain(it, defined) for it in whole["anyOf"]]
    if "items" in whole:
        whole["items"] = _plain(whole["items"], defined)
    return whole
