"""What is wrong with the rows of a form, and the requests that the good ones make. Pure.

The id of a registration follows from the form's own id and the address: a form sent twice asks for the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import ValidationError

from services.portal.pages.form import FIELDS, Problem, Row
from services.portal.pages.partner import Partner
from services.portal.pages.typed import UNREADABLE
from shared.events import Locale, RegistrationRequested, normal_email

_TIME, _VERSION = 80, 76  # the bits of a UUID at which its time and the number of its version begin


@dataclass(frozen=True, slots=True)
class Sending:
    """What all rows of one form have in common."""

    batch_id: UUID
    partner: Partner
    locale: Locale
    at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """A row with its problems, or with the request that it makes."""

    row: Row
    request: RegistrationRequested | None


def check(rows: Sequence[Row], sending: Sending) -> Iterator[Checked]:
    """In their order; an empty row has no problem and makes no request."""
    seen: set[UUID] = set()
    for row in rows:
        if row.is_empty:
            yield Checked(row, None)
            continue
        registration_id = _id_of(row, sending)
        request, problems = _request(row, registration_id, sending)
        if registration_id in seen:
            problems.setdefault("customer_email", Problem.EMAIL_TWICE)
        seen.add(registration_id)
        yield Checked(replace(row, problems=tuple(problems.items())), None if problems else request)


def _id_of(row: Row, sending: Sending) -> UUID:
    email = row.customer_email
    with suppress(ValueError):  # an address that is none gets an id that is never used
        email = normal_email(email)
    return id_of(sending.batch_id, sending.partner.partner_id, email)


def id_of(batch_id: UUID, partner_id: str, email: str) -> UUID:
    """The same customer of the same form has the same id, however often it is sent. The form's time is in front, as in
    a UUIDv7: what is new stands together in each index of each service (docs/decisions/0029). A UUIDv8."""
    if batch_id.version != 7:  # of a form that the release before gave out, whose ids stay as they were
        return uuid5(batch_id, email)
    hashed = uuid5(batch_id, f"{partner_id} {email}").int & ~(0xF << _VERSION) & (1 << _TIME) - 1
    return UUID(int=(batch_id.int >> _TIME) << _TIME | 8 << _VERSION | hashed)


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
    return request, {"common_name": Problem.NAME_NOT_TEXT} if UNREADABLE in row.common_name else {}


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
