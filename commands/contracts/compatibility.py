"""What may change of a published contract within `v1`, and what breaks those who rely on it. Pure.

Others write what we read, others read what we write, and while an upgrade rolls, our own last release does both. So of
what we read nothing may narrow, and of what we write nothing may widen. The words of a description may change: whether
they still mean the same, a person must see.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from commands.contracts.schemas import Schema

LOWEST = {"minLength", "minItems", "minimum", "exclusiveMinimum"}
HIGHEST = {"maxLength", "maxItems", "maximum", "exclusiveMaximum"}
MEANING = ("format", "pattern")


@dataclass(frozen=True, slots=True)
class Contract:
    """The AsyncAPI document, and the schema of each event by its name."""

    document: Mapping[str, Any]
    schemas: dict[str, Schema]


@dataclass(frozen=True, slots=True)
class Side:
    """On which side of an event we stand; often on both."""

    read: bool
    written: bool


def breaks(old: Contract, new: Contract) -> list[str]:
    """A sentence for each change that breaks somebody who relies on `old`; empty where all of it still holds."""
    found = list(_channels(old.document, new.document))
    for name, schema in old.schemas.items():
        if name in new.schemas:
            side = _side(name, old.document, new.document)
            found += [f"{name}{problem}" for problem in _objects(schema, new.schemas[name], side)]
        else:
            found.append(f"{name}: the event is gone")
    return found


def _side(name: str, *documents: Mapping[str, Any]) -> Side:
    actions = {
        operation["action"]
        for document in documents
        for operation in document["operations"].values()
        if name in {message["$ref"].rpartition("/")[2] for message in operation["messages"]}
    }
    return Side(read="receive" in actions, written="send" in actions)


def _channels(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name, before in old["channels"].items():
        now = new["channels"].get(name)
        if now is None:
            yield f"{name}: the topic is gone"
            continue
        for what, was, is_now in (
            ("is called", before["address"], now["address"]),
            ("holds", *(sorted(it["messages"]) for it in (before, now))),
            ("is written by", before["x-written-by"], now["x-written-by"]),
            ("is cleaned by", *(_policy(it) for it in (before, now))),
        ):
            if was != is_now:
                yield f"{name}: the topic {what} {is_now!r}, formerly {was!r}"
    for name, message in old["components"]["messages"].items():
        if (now := new["components"]["messages"].get(name)) and now["x-key-field"] != message["x-key-field"]:
            yield f"{name}: the key is {now['x-key-field']}, formerly {message['x-key-field']}"
    was, is_now = (document["components"]["schemas"]["headers"]["properties"] for document in (old, new))
    for name in was:
        if _shape(was[name]) != _shape(is_now.get(name, {})):
            yield f"the header {name} is gone or means something else"


def _policy(channel: Mapping[str, Any]) -> Any:
    return channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]


def _shape(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name != "description"}


def _objects(old: Schema, new: Schema, side: Side) -> Iterator[str]:
    was, is_now = old["properties"], new["properties"]
    for name in was:
        if name not in is_now:
            yield f".{name}: the field is gone"
            continue
        if side.read and name in new["required"] and name not in old["required"]:
            yield f".{name}: must be there, formerly it could be left out"
        if side.written and name in old["required"] and name not in new["required"]:
            yield f".{name}: can be missing, formerly it was always there"
        if (means := _left_out(is_now[name])) != (meant := _left_out(was[name])):
            yield f".{name}: left out it means {means}, formerly {meant}"
        yield from (f".{name}{problem}" for problem in _values(was[name], is_now[name], side))
    for name in is_now:
        if side.read and name not in was and name in new["required"]:
            yield f".{name}: the field is new and must be there: nobody sends it yet"


def _left_out(schema: Schema) -> str:
    return repr(schema["default"]) if "default" in schema else "nothing"


def _values(old: Schema, new: Schema, side: Side) -> Iterator[str]:
    was, is_now = _by_type(old), _by_type(new)
    yield from _narrowed(side, sorted(was.keys() - is_now.keys()), "is no longer accepted")
    yield from _widened(side, sorted(is_now.keys() - was.keys()), "may now be written")
    for kind in was.keys() & is_now.keys():
        yield from _of_one_type(was[kind], is_now[kind], side)


def _by_type(schema: Schema) -> dict[str, Schema]:
    """The alternatives of a value, each by its JSON type."""
    return {str(it["type"]): it for it in schema.get("anyOf", [schema])}


def _of_one_type(old: Schema, new: Schema, side: Side) -> Iterator[str]:
    was, is_now = _choices(old), _choices(new)
    if was is None or is_now is None:
        if was is not is_now:
            yield from _limited(side, "a list of choices", None if was is None else 0, None if is_now is None else 0)
    else:
        yield from _narrowed(side, sorted(was - is_now), "is no longer accepted")
        yield from _widened(side, sorted(is_now - was), "may now be written")
    for name in MEANING:
        if old.get(name) != new.get(name):
            yield f": {name} is {new.get(name)!r}, formerly {old.get(name)!r}"
    for name in sorted(LOWEST):
        yield from _limited(side, name, _negated(old.get(name)), _negated(new.get(name)))
    for name in sorted(HIGHEST):
        yield from _limited(side, name, old.get(name), new.get(name))
    if "items" in old and "items" in new:
        yield from (f"[]{problem}" for problem in _values(old["items"], new["items"], side))


def _choices(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"]} if "enum" in schema else None


def _negated(limit: float | None) -> float | None:
    return None if limit is None else -limit


def _limited(side: Side, name: str, old: float | None, new: float | None) -> Iterator[str]:
    """`old` and `new` are highest values; None is no limit."""
    if old == new:
        return
    tighter = old is None or (new is not None and new < old)
    yield from _narrowed(side, [name], "is tighter: what others write may be refused") if tighter else ()
    yield from _widened(side, [name], "is looser: what we write may be refused") if not tighter else ()


def _narrowed(side: Side, what: Iterable[str], problem: str) -> Iterator[str]:
    yield from (f": {it} {problem}" for it in what if side.read)


def _widened(side: Side, what: Iterable[str], problem: str) -> Iterator[str]:
    yield from (f": {it} {problem}" for it in what if side.written)
