"""What a field of an event expects, in words, from its schema. Pure."""

from collections.abc import Callable, Mapping

from commands.contracts.schemas import Schema


def expected(schema: Schema) -> str:
    """For example: text of 1 to 200 characters, or null."""
    return " or ".join(_one(it) for it in schema.get("anyOf", [schema]))


def _one(schema: Schema) -> str:
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return "one of " + ", ".join(f'"{choice}"' for choice in schema["enum"])
    return _OF_TYPE[schema["type"]](schema)


def _text(schema: Schema) -> str:
    match schema.get("format"):
        case "uuid":
            return "a UUID"
        case "date-time":
            return 'an RFC 3339 time with its zone, like "2026-07-01T09:00:00Z"'
        case _:
            what = schema.get("description", "Text").rstrip(".")
            limits = f", {schema['minLength']} to {schema['maxLength']} characters" if "maxLength" in schema else ""
            return f"{what[0].lower()}{what[1:]}{limits}"


def _number(schema: Schema) -> str:
    limits = f" from {schema['minimum']} to {schema['exclusiveMaximum'] - 1}" if "minimum" in schema else ""
    return f"a whole number{limits}"


_OF_TYPE: Mapping[str, Callable[[Schema], str]] = {
    "string": _text,
    "integer": _number,
    "array": lambda schema: f"a list, each of it {expected(schema['items'])}",
    "boolean": lambda _schema: "true or false",
    "null": lambda _schema: "null",
}
