"""Whose fault is an error: the record's, or the world's?

Only what is wrong with a record may quarantine it. Everything that a later try can mend (a database that is away, read
only, full, or not migrated yet; a deadlock; a lost race) retries the same batch, for as long as it takes.
"""

import traceback

from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from asyncpg import InterfaceError, InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

RECORDS_FAULT = ("22", "23", "54")  # SQLSTATE classes: wrong data, broken constraint, program limit exceeded
LOST_RACE = "23505"
LOST_RACES = 5
"""A unique key lost this often in a row is no race: the record itself breaks it."""

PASSING = (
    OSError,
    TimeoutError,
    DBAPIError,
    PoolTimeoutError,
    KafkaError,
    PostgresError,
    InterfaceError,
    InternalClientError,  # asyncpg, of a connection that was lost at an odd moment
)


def sqlstate(error: BaseException) -> str | None:
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlstate", None)


def is_passing(error: Exception, tries: int) -> bool:
    """True where the same batch may go through later, after `tries` tries that did not."""
    state = sqlstate(error)
    if state is not None:
        return not state.startswith(RECORDS_FAULT) or (state == LOST_RACE and tries < LOST_RACES)
    return isinstance(error, PASSING)


def in_words(error: BaseException) -> str:
    """One line without values: statements and parameters hold people's addresses."""
    if isinstance(error, TopicAuthorizationFailedError | GroupAuthorizationFailedError):
        return _forbidden(error)
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    first = (str(original).splitlines() or [""])[0]
    name = type(original).__name__
    text = first.removeprefix(f"{type(original)}: ").removeprefix(f"{name}: ").removeprefix(name)
    return f"{name}: {text}"[:300] if text else name


def _forbidden(error: KafkaError) -> str:
    """Names of topics and groups are not people's."""
    what = "topic" if isinstance(error, TopicAuthorizationFailedError) else "group"
    named = error.args[0] if error.args else "that it needs"
    names = named if isinstance(named, str) else ", ".join(sorted(named))
    return f"Kafka allows this login no use of the {what} {names}; run: registration topics apply --acls"


def place(error: BaseException) -> str:
    """Where in the code it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
