"""The case that an address names, and who asks."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.approver import store
from services.approver.claims import Reviewer
from services.approver.domain import Case
from shared.database import Reading
from shared.web.person import Person


def reviewer(person: Person) -> Reviewer:
    return Reviewer(person.email, "vng-admin" in person.roles)


async def asked_for(tx: Reading, request: Request) -> Case:
    """Not locked. Raises HTTPException 404."""
    registration_id = id_in(request)
    case = await store.get(tx, registration_id) if registration_id else None
    if case is None:
        raise HTTPException(404)
    return case


def id_in(request: Request) -> UUID | None:
    """None for a malformed id: it is an unknown one."""
    try:
        return UUID(request.path_params["registration_id"])
    except ValueError:
        return None
