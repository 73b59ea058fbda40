"""What a soak found: whether something grew, its page and its plots. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.svg import curves
from shared.topics import SERVICES
from tests.torture.report import Report

GROWTH = 1.15
MORE_FILES = 15
MOST_DEAD = 0.3
"""Of all rows, those that are gone and not vacuumed yet: autovacuum begins at a fifth of a table."""

_PAGE = """\
# What does not grow

Made by `make soak` on {date}, on {cores} cores, of commit {commit}: {minutes:g} minutes of {rate} registrations a
second that end in every way there is, and {restarts} restarts, one service after the other.

{registrations:,} registrations; {findings} findings of the checker, {broken} of the campaign; what grew: {grown}.

The most that was held in the first, second and last third of the time:

| service | MB, first | second | last | open files, first | second | last |
| --- | --- | --- | --- | --- | --- | --- |
{table}

At the end PostgreSQL kept {rows:,.0f} rows in {all_mb:,.0f} MB, the outboxes took {outbox_mb:.1f} MB, and {dead:.1f} %
of all rows were dead and not vacuumed yet.

![Memory](soak-memory.svg)

![Open files](soak-files.svg)

![Dead rows and outboxes](soak-tables.svg)
"""


@dataclass(frozen=True, slots=True)
class Look:
    """At one moment, in seconds since the first. Memory in MB and open files by service."""

    at: float
    memory: dict[str, float]
    files: dict[str, int]
    dead: float
    outbox_mb: float
    all_mb: float
    rows: float


def grown(looks: Sequence[Look]) -> list[str]:
    """What is larger in the last third than in the first, in words."""
    first, _second, last = _thirds(looks)
    found = []
    for name in SERVICES:
        before, after = (_most(them, lambda it, name=name: it.memory.get(name, 0.0)) for them in (first, last))  # type: ignore[misc]
        if after > GROWTH * before:
            found.append(f"{name} holds {after:.0f} MB, {before:.0f} before")
        before, after = (_most(them, lambda it, name=name: it.files.get(name, 0)) for them in (first, last))  # type: ignore[misc]
        if after > before + MORE_FILES:
            found.append(f"{name} has {after:.0f} files open, {before:.0f} before")
    if (dead := _most(last, lambda it: it.dead)) > MOST_DEAD:
        found.append(f"{100 * dead:.0f} % of all rows are dead; expected {100 * MOST_DEAD:.0f} % at most")
    before, after = (_most(them, lambda it: it.outbox_mb) for them in (first, last))
    if after > 2 * before + 1:
        found.append(f"the outboxes take {after:.1f} MB, {before:.1f} before")
    return found


def page(
    about: Mapping[str, object], minutes: float, rate: float, restarts: int, report: Report, looks: Sequence[Look]
) -> str:
    end = looks[-1]
    return _PAGE.format(
        date=str(about["date"])[:10],
        cores=about["hardware_cores"],
        commit=str(about["commit"])[:10],
        minutes=minutes,
        rate=rate,
        restarts=restarts,
        registrations=report.registrations,
        findings=len(report.findings),
        broken=len(report.broken),
        grown="; ".join(grown(looks)) or "nothing",
        table="\n".join(_row(name, looks) for name in SERVICES),
        rows=end.rows,
        all_mb=end.all_mb,
        outbox_mb=end.outbox_mb,
        dead=100 * end.dead,
    )


def plots(looks: Sequence[Look]) -> dict[str, str]:
    memory = {name: [(it.at / 60, it.memory[name]) for it in looks if name in it.memory] for name in SERVICES}
    files = {name: [(it.at / 60, float(it.files[name])) for it in looks if name in it.files] for name in SERVICES}
    tables = {
        "dead rows, %": [(it.at / 60, 100 * it.dead) for it in looks],
        "outboxes, MB": [(it.at / 60, it.outbox_mb) for it in looks],
    }
    return {
        "soak-memory.svg": curves("Memory of each service, MB, by minute", memory),
        "soak-files.svg": curves("Open files of each service, by minute", files),
        "soak-tables.svg": curves("Dead rows and outboxes, by minute", tables),
    }


def _row(name: str, looks: Sequence[Look]) -> str:
    memory = [_most(them, lambda it: it.memory.get(name, 0.0)) for them in _thirds(looks)]
    files = [_most(them, lambda it: it.files.get(name, 0)) for them in _thirds(looks)]
    return f"| {name} | {' | '.join(f'{it:.0f}' for it in (*memory, *files))} |"


def _thirds(looks: Sequence[Look]) -> tuple[Sequence[Look], Sequence[Look], Sequence[Look]]:
    third = max(1, len(looks) // 3)
    return looks[:third], looks[third:-third], looks[-third:]


def _most(looks: Sequence[Look], of: Callable[[Look], float]) -> float:
    return max(map(of, looks), default=0.0)
