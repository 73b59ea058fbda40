"""For whom a signed-in person acts."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException

from shared.web.person import Person


@dataclass(frozen=True, slots=True)
class Partner:
    partner_id: str
    partner_name: str
    person_email: str


def partner_of(person: Person) -> Partner:
    """Raises HTTPException 403 for a person who works for no partner, whatever the role says."""
    if person.partner_id is None or person.partner_name is None:
        raise HTTPException(403)
    return Partner(person.partner_id, person.partner_name, person.email)
