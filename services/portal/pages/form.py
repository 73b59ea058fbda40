"""What a partner typed into "Add a customer account", and what is wrong with it. Pure.

The id of a registration follows from the form's own id and the address: a form sent twice asks for the same.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from uuid import UUID, uuid5

from pydantic import ValidationError
from starlette.datastructures import FormData

from services.portal.pages.partner import Partner
from shared.events import Locale, RegistrationRequested, normal_email

MOST_ROWS = 50
FIELDS = ("customer_email", "common_name", "role")


class Problem(StrEnum):
    """What is wrong with one field. The template says it in the reader's language."""

    EMAIL_MISSING = "email_missing"
    EMAIL_INVALID = "email_invalid"
    EMAIL_TWICE = "email_twice"
    NAME_MISSING = "name_missing"
    NAME_TOO_LONG = "name_too_long"
    NAME_NOT_TEXT = "name_not_text"
    ROLE_UNKNOWN = "role_unknown"


class FormProblem(StrEnum):
    """Nothing of the form is taken."""

    NO_ROWS = "no_rows"
    TOO_MANY_ROWS = "too_many_rows"
    OUT_OF_DATE = "out_of_date"


@dataclass(frozen=True, slots=True)
class Row:
    """One customer as typed. `problems` are by field."""

    customer_email: str = ""
    common_name: str = ""
    role: str = "Partner"
    problems: tuple[tuple[str, Problem], ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.customer_email.strip() or self.common_name.strip())


@dataclass(frozen=True, slots=True)
class Form:
    """`batch_id` is "" where none was sent: then there is nothing that the form could be a repetition of."""

    batch_id: str
    rows: tuple[Row, ...]
    wants_row: bool

    @property
    def filled(self) -> list[Row]:
        return [row for row in self.rows if not row.is_empty]

    def with_one_more_row(self) -> tuple[Row, ...]:
        return (*self.rows, Row()) if len(self.rows) < MOST_ROWS else self.rows

    def problem(self, batch_id: UUID | None) -> FormProblem | None:
        if batch_id is None:
            return FormProblem.OUT_OF_DATE
        if not self.filled:
            return FormProblem.NO_ROWS
        return FormProblem.TOO_MANY_ROWS if len(self.filled) > MOST_ROWS else None


def read(form: FormData) -> Form:
    columns = [[value if isinstance(value, str) else "" for value in form.getlist(name)] for name in FIELDS]
    rows = (Row(email, name, role or "Partner") for email, name, role in zip_longest(*columns, fillvalue=""))
    batch_id = form.get("batch_id")
    return Form(
        batch_id=batch_id.strip() if isinstance(batch_id, str) else "",
        rows=tuple(rows),
        wants_row=form.get("action") == "add_row",
    )


@dataclass(frozen=True, slots=True)
class Sending:
    """What all rows of one form have in common."""

    batch_id: UUID
    partner: Partner
    locale: Locale
    at: datetime


def check(rows: Sequence[Row], sending: Sending) -> tuple[list[RegistrationRequested], list[Row]]:
    """The requests of the good rows, and the bad rows with their problems."""
    requests: list[RegistrationRequested] = []
    bad: list[Row] = []
    seen: set[UUID] = set()
    for row in rows:
        registration_id = _id_of(row, sending.batch_id)
        request, problems = _request(row, registration_id, sending)
        if registration_id in seen:
            problems.setdefault("customer_email", Problem.EMAIL_TWICE)
        seen.add(registration_id)
        if request and not problems:
            requests.append(request)
        else:
            bad.append(replace(row, problems=tuple(problems.items())))
    return requests, bad


def _id_of(row: Row, batch_id: UUID) -> UUID:
    email = row.customer_email
    with suppress(ValueError):  # an address that is none gets an id that is never used
        email = normal_email(email)
    return uuid5(batch_id, email)


def _request(
    row: Row, registration_id: UUID, sending: Sending
) -> tuple[RegistrationRequested | None, dict[str, Problem]]:
    try:
        request = RegistrationRequested(
            registration_id=registration_id,
            batch_id=sending.batch_id,
            partner_id=sending.partner.partner_id,
            partner_name=sending.partner.partner_name,
            customer_email=row.customer_email,
            common_name=row.common_name,
            role=row.role.strip(),  # type: ignore[arg-type]  # that it is a known one is checked here
            requested_by=sending.partner.person_email,
            requester_locale=sending.locale,
            requested_at=sending.at,
        )
    except ValidationError as refused:
        return None, _problems(row, refused)
    return request, {}


def _problems(row: Row, refused: ValidationError) -> dict[str, Problem]:
    found = {str(error["loc"][0]): error["type"] for error in refused.errors(include_url=False)}
    if not found.keys() <= set(FIELDS):
        raise refused  # what is wrong was not typed
    return {name: _problem(name, kind, row) for name, kind in found.items()}


def _problem(name: str, kind: str, row: Row) -> Problem:
    match name, kind:
        case "customer_email", _:
            return Problem.EMAIL_INVALID if row.customer_email.strip() else Problem.EMAIL_MISSING
        case "common_name", "string_too_short":
            return Problem.NAME_MISSING
        case "common_name", "string_too_long":
            return Problem.NAME_TOO_LONG
        case "common_name", _:
            return Problem.NAME_NOT_TEXT
        case _:
            return Problem.ROLE_UNKNOWN
