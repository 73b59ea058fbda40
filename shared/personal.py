"""What a service keeps about people, and what becomes of it once a registration has been closed for long.

Each service says so in its `personal.py`, in the terms of this file. `registration migrate` lets one role,
`registration_purge`, do just that: read what tells which rows are meant, and change the columns named here.
`registration purge` does it. Ids, statuses, codes, times and lines of history stay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.eligibility import CONDITIONS_NOT_MET, Code
from shared.events import Outcome

PURGE = "purge"
"""Stands where a service's name does: in the role's name and in what PostgreSQL shows of its connections."""

GONE = "—"
"""Stands where something about a person stood: what reads the row finds a text, and no fact that comes late fills it in
again."""

_CODES = ", ".join(f"'{code}'" for code in (*Code, *Outcome, CONDITIONS_NOT_MET, "approved"))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that are blanked: of each that `where` holds for, every column in `blanks` becomes what stands beside it, in
    SQL. `reads` are the other columns that conditions name."""

    name: str
    blanks: Mapping[str, str]
    reads: tuple[str, ...]
    where: str = "true"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is purged one by one. `table.where` holds for what is old enough (`:before`) and not blanked yet. `beside`
    are tables with a `registration_id`, blanked in the same transaction."""

    noun: str
    table: Table
    key: str
    key_type: str
    beside: tuple[Table, ...] = ()


Personal = tuple[Kind, ...]
"""All that one service keeps about people."""


def closed(table: str, blanks: Mapping[str, str], where: str, reads: tuple[str, ...], *beside: Table) -> Kind:
    """Registrations, as a service knows them, with what it keeps beside them. `where` tells those that were closed
    before `:before`; who the customer was is blanked last, so it tells whether a row is done."""
    not_yet = f"{where} and customer_email is distinct from '{GONE}'"
    kept = Table(table, {"customer_email": f"'{GONE}'", **blanks}, ("registration_id", *reads), not_yet)
    return Kind(table, kept, "registration_id", "uuid", (*beside, *_HISTORY))


def person(column: str) -> str:
    """Services and policies keep their names."""
    return f"case when {column} like '%@%' then '{GONE}' else {column} end"


def words(column: str) -> str:
    """Codes, separated by commas, stay; all else was written by somebody."""
    return f"case when string_to_array({column}, ', ') <@ array[{_CODES}] then {column} else '{GONE}' end"


def list_of_words(column: str) -> str:
    return f"case when {column} <@ array[{_CODES}] then {column} else array['{GONE}'] end"


def or_nothing(column: str, sql: str) -> str:
    return f"case when {column} is not null then {sql} end"


def grants(service: str, personal: Personal, role: str) -> Iterator[str]:
    """Statements that let `role` blank what `personal` names, and do nothing else in the schema of `service`."""
    yield f"grant usage on schema {service} to {role}"
    yield f"revoke all on all tables in schema {service} from {role}"
    for kind in personal:
        for table in (kind.table, *kind.beside):
            changed = ", ".join(table.blanks)
            yield f"grant select ({', '.join((*table.reads, *table.blanks))}) on {service}.{table.name} to {role}"
            if changed:
                yield f"grant update ({changed}) on {service}.{table.name} to {role}"


_SAID = (
    "case when event in ('RegistrationRequested', 'ConfirmationResendRefused') then reason "  # a service's own words
    f"else {or_nothing('reason', words('reason'))} end"
)


def _history(where: str) -> Table:
    return Table(
        "history",
        {"actor": person("actor"), "reason": _SAID},
        ("registration_id", "event", "note"),
        f"{where} and (actor like '%@%' or reason is not null)",
    )


_HISTORY = (_history("note = ''"), _history("note <> ''"))
"""Two halves, each found by an index of its own."""

QUARANTINE = Kind(
    "settled records of the quarantine",
    Table(
        "quarantine",
        {
            "key": "null",
            "value": "null",
            "headers": "'[]'",
            "reason": "split_part(reason, ':', 1)",  # a code, and after it what was found
            "remark": "null",
            "acted_by": f"'{GONE}'",
        },
        ("id", "state", "acted_at"),
        f"state <> 'quarantined' and acted_at < :before and acted_by <> '{GONE}'",
    ),
    "id",
    "bigint",
)
