"""`contracts check`: events that another program writes, each decoded as a service decodes it. Reads a file only.

A line is one event as JSON: where the type is given, the event alone, as the value of its record is; else a CloudEvent
in its JSON form, of which `type` and `data` must be there, and `subject`, where it is there, must be the record's key.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from commands.contracts.schemas import Schema, schema_of
from commands.contracts.wording import expected
from commands.failures import Failed
from shared.events import Event
from shared.messaging.batch import LARGEST_EVENT
from shared.messaging.readable import one_line
from shared.topics import TOPICS

KINDS: Mapping[str, type[Event]] = {topic.event.type(): topic.event for topic in TOPICS}
SHOWN = 60
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of a file. `line` counts from 1. With `problems` it would be quarantined; `remarks` harm nothing."""

    line: int
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class NotAnEvent(Exception):
    """Why a line holds no event that could be decoded."""


def check(path: Path, kind: type[Event] | None) -> Iterator[Checked]:
    """Every line of the file but empty ones. `kind` is the type of all events, None where each says its own.

    Raises Failed where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _checked(number, line.strip(), kind)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}; expected a file with one event a line") from None


def _checked(number: int, line: bytes, kind: type[Event] | None) -> Checked:
    try:
        if kind is not None:
            return _event(number, kind, line, None)
        return _event(number, *_unwrapped(line))
    except NotAnEvent as problem:
        return Checked(number, (str(problem),))


def _unwrapped(line: bytes) -> tuple[type[Event], bytes, str | None]:
    """The event's type, its bytes, and its key where it is told."""
    outer = _object(line)
    named = outer.get("type")
    if "data" not in outer or named is None:
        missing = " and ".join(name for name in ("type", "data") if outer.get(name) is None)
        raise NotAnEvent(f"{missing} missing; expected a CloudEvent, or name the type of all lines by --type")
    kind = KINDS.get(named) if isinstance(named, str) else None
    if kind is None:
        raise NotAnEvent(f"type: found {_shown(named)}; expected one of {', '.join(KINDS)}")
    key = outer.get("subject")
    return kind, json.dumps(outer["data"], ensure_ascii=False).encode(), None if key is None else str(key)


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise NotAnEvent(f"the line: {error}; expected one JSON object, in UTF-8") from None
    if not isinstance(found, dict):
        raise NotAnEvent(f"the line: found {_shown(found)}; expected one JSON object")
    return found


def _event(number: int, kind: type[Event], value: bytes, key: str | None) -> Checked:
    if len(value) > LARGEST_EVENT:
        raise NotAnEvent(f"the event: found {len(value)} bytes; expected {LARGEST_EVENT} at most")
    fields = _object(value)
    unknown = [name for name in fields if name not in kind.model_fields]
    remarks = tuple(f"{one_line(name)}: no field of {kind.type()}; it is ignored" for name in unknown)
    try:
        event = kind.model_validate_json(value)
    except ValidationError as refused:
        return Checked(number, tuple(_in_words(kind, error) for error in refused.errors()), remarks)
    wrong_key = key is not None and key != event.key
    problems = (f"subject: found {_shown(key)}; expected the record's key, {_shown(event.key)}",) if wrong_key else ()
    return Checked(number, problems, remarks)


def _in_words(kind: type[Event], error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    field = str(error["loc"][0])
    found = "nothing" if error["type"] == "missing" else _shown(error["input"])
    why = error["msg"].removeprefix("Value error, ").rstrip(".")
    detail = f" ({why})" if error["type"] == "value_error" else ""
    return f"{where}: found {found}{detail}; expected {expected(_schema(kind)['properties'][field])}"


@cache
def _schema(kind: type[Event]) -> Schema:
    return schema_of(kind)


def _shown(value: object) -> str:
    """As JSON, on one line, not too long."""
    text = one_line(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
