"""Records that break the rules in every way that a producer may think of, made from an event that keeps them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.events import AccountUpdated, Event, Quarantined, VngApproved, VngRejected
from tests.domain.facts import vng_approved, vng_rejected
from tests.quarantine.records import Header

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Poison:
    """`reason`: how the reason in quarantine begins; empty for a record that is odd, and yet an event."""

    name: str
    value: bytes | None
    reason: str
    key: bytes | None = b"k"
    headers: tuple[Header, ...] = ()


@dataclass
class Corpus:
    """Of one event: `make` answers a good one, different each time."""

    kind: type[Event]
    make: Callable[[], Event]
    poisons: list[Poison] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.poisons = [*self._bytes(), *self._documents(), *self._values(), *self._odd(), *self._records()]

    def _good(self) -> dict[str, Any]:
        return dict(json.loads(self.make().model_dump_json()))

    def _value(self, **changes: Any) -> bytes:
        return json.dumps(self._good() | changes, ensure_ascii=False).encode()

    @property
    def _time(self) -> str:
        """The name of a field that holds a time."""
        return next(name for name, value in self._good().items() if name.endswith("_at") and value)

    @property
    def _first(self) -> str:
        """The name of a field that must be there."""
        return next(name for name, it in self.kind.model_fields.items() if it.is_required())

    def _bytes(self) -> Iterator[Poison]:
        value = self._value()
        yield Poison("truncated", value[:-5], "undecodable")
        yield Poison("empty", b"", "undecodable")
        yield Poison("not UTF-8", value.replace(b"{", b'{"x": "\xff\xfe", ', 1), "undecodable")
        yield Poison("UTF-16", value.decode().encode("utf-16"), "undecodable")
        yield Poison("two documents", value + value, "undecodable")
        yield Poison("zero bytes", b"\x00" * 100, "undecodable")
        yield Poison("a megabyte", self._value(x="x" * MEGABYTE), "oversized")
        yield Poison("deeply nested", b"[" * 50_000, "undecodable")
        deep = b"[" * 20_000 + b"]" * 20_000
        yield Poison("deeply nested beside", value.replace(b"{", b'{"x": ' + deep + b", ", 1), "undecodable")

    def _documents(self) -> Iterator[Poison]:
        for text in ("null", "true", "7", '"text"', "[]", "{}", "NaN", "[{}]"):
            yield Poison(f"the document {text}", text.encode(), "undecodable")
        other = vng_rejected() if self.kind is VngApproved else vng_approved()
        assert self.kind is not type(other) and isinstance(other, VngApproved | VngRejected)
        yield Poison("of another topic", other.model_dump_json().encode(), "undecodable")
        later = {"schema": 2, "data": self._good()}
        yield Poison("of a later schema", json.dumps(later).encode(), "undecodable")

    def _values(self) -> Iterator[Poison]:
        first, time = self._first, self._time
        lacking = {name: value for name, value in self._good().items() if name != first}
        yield Poison("a field missing", json.dumps(lacking).encode(), "undecodable")
        others: dict[str, Any] = {"a number": 7, "a list": [], "null": None, "a document": {}, "true": True}
        for name, other in others.items():
            yield Poison(f"{name} for text", self._value(**{first: other}), "undecodable")
        for text in ("NaN", "Infinity", "1e999999", "9" * 5000, "-0"):
            value = self._value(**{first: "here"}).replace(b'"here"', text.encode())
            yield Poison(f"{text[:10]} for text", value, "undecodable")
        for name, found in self._good().items():
            if isinstance(found, int) and not isinstance(found, bool):
                for text in (str(10**30), "9" * 5000, "1e400", "1.5", '"1"', "NaN"):
                    value = self._value(**{name: "here"}).replace(b'"here"', text.encode())
                    too_large = self.kind is Quarantined and text == str(10**30)  # its numbers have no limit
                    yield Poison(f"{text[:10]} for {name}", value, "unknown_origin" if too_large else "undecodable")
        for text in ("10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "1e300", ""):
            yield Poison(f"the time {text}", self._value(**{time: text}), "undecodable")
        yield Poison("a time as a number", self._value(**{time: 1_760_000_000}), "undecodable")
        half = self._value(x="here").replace(b"here", b"\\ud800")
        yield Poison("half a character", half, "undecodable")
        twice = self._value().rstrip(b"}") + f', "{first}": 7}}'.encode()
        yield Poison("a key twice, the second wrong", twice, "undecodable")

    def _odd(self) -> Iterator[Poison]:
        """What is an event nevertheless."""
        first = self._first
        twice = b'{"' + first.encode() + b'": 7, ' + self._value()[1:]
        yield Poison("a key twice, the first wrong", twice, "")
        yield Poison("fields of a later version", self._value(new_field={"a": [1, None]}, other=1e300), "")
        if self.kind is not AccountUpdated:  # a compacted topic takes nothing without a key
            yield Poison("no key", self._value(), "", key=None)
        yield Poison("a key that is not UTF-8", self._value(), "", key=b"\xff\xfe")
        odd: tuple[Header, ...] = (("ce_type", None), ("x", None), ("", b""), ("y", b"\xff"), ("y", b"\x00" * 1000))
        yield Poison("odd headers", self._value(), "", headers=odd)

    def _records(self) -> Iterator[Poison]:
        value = self._value()
        yield Poison("no value", None, "null_value", key=b"k")
        yield Poison("no value, a key that is not UTF-8", None, "null_value", key=b"\xff")
        for name, said in (
            ("an unknown type", b"SomethingElse"),
            ("a later type", f"{self.kind.type()}.v2".encode()),
            ("a type that is not UTF-8", b"\xff\xfe"),
            ("an empty type", b""),
        ):
            yield Poison(name, value, "wrong_type", headers=(("ce_type", said),))
        if self.kind is not AccountUpdated:
            yield Poison("a deletion", None, "null_value", key=b"an@example.com")
