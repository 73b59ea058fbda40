"""The golden corpus: for each event, bytes that a producer may send, and the bytes and the key that we write for them.

A file is blocks of lines: `#` what it is, `<` what is read, `>` what we write of it, `@` the key. Where `>` and `@` are
missing, what is read must be refused. Within `v1` blocks are added, and none is changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.events import Event
from shared.topics import TOPICS

FOLDER = Path(__file__).resolve().parents[1] / "golden"
KINDS: dict[str, type[Event]] = {topic.event.type(): topic.event for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Example:
    """`written` and `key` are None where `read` must be refused."""

    kind: type[Event]
    name: str
    read: bytes
    written: bytes | None
    key: str | None

    def __str__(self) -> str:
        return f"{self.kind.type()}, {self.name}"


def examples() -> Iterator[Example]:
    for name, kind in KINDS.items():
        for block in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("\n\n"):
            yield _example(kind, dict(line.split(" ", 1) for line in block.strip("\n").split("\n")))


def _example(kind: type[Event], lines: dict[str, str]) -> Example:
    written = lines[">"].encode() if ">" in lines else None
    return Example(kind, lines["#"], lines["<"].encode(), written, lines.get("@"))
