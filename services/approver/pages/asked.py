"""The case that an address names, and who asks."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.approver import store
from services.approver.claims import Reviewer
from services.approver.domain import Case
from shared.database import Transaction
from shared.web.person import Person


def reviewer(person: Person) -> Reviewer:
    return Reviewer(person.email, "vng-admin" in person.roles)


async def asked_for(tx: Transaction, request: Request) -> Case:
    """Not locked. A malformed id is an unknown one: 404."""
    try:
        case = await store.get(tx, UUID(request.path_params["registration_id"]))
    except ValueError:
        case = None
    if case is None:
        raise HTTPException(404)
    return case
