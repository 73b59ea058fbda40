"""What `quarantine` prints of a record. Its bytes come from anybody: nothing in them acts on the terminal. Pure."""

from collections.abc import Iterator
from datetime import datetime

from shared.messaging.readable import one_line, readable
from shared.messaging.settling import Entry, Kept


def line(it: Entry) -> str:
    place = f"{it.topic}[{it.partition}]@{it.offset}"
    said = [str(it.id), it.state, _written(it.quarantined_at), place, one_line(it.reason)]
    return "  ".join([*said, f"({one_line(it.remark)})"] if it.remark else said)


def about(it: Kept) -> Iterator[str]:
    yield f"{it.id}  {it.state}"
    yield f"  reason       {one_line(it.reason)}"
    yield f"  topic        {it.topic}"
    yield f"  partition    {it.partition}"
    yield f"  offset       {it.offset}"
    yield f"  produced     {_written(it.produced_at) if it.produced_at else 'unknown'}"
    yield f"  quarantined  {_written(it.quarantined_at)}"
    if it.acted_by and it.acted_at:
        yield f"  last act     {who_and_when(it)}" + (f": {one_line(it.remark)}" if it.remark else "")
    yield f"  key          {one_line(readable(it.key))}"
    for name, value in it.headers:
        text = readable(None if value is None else bytes.fromhex(value))
        yield f"  header       {one_line(name)}: {one_line(text)}"
    yield f"  value        {0 if it.value is None else len(it.value)} bytes"
    for line in readable(it.value).split("\n"):
        yield f"    {line}"


def who_and_when(it: Entry) -> str:
    return f"by {one_line(it.acted_by or '')} at {_written(it.acted_at)}" if it.acted_at else ""


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
