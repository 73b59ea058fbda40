"""The menu "Account": the partner's registrations, and one of them with its timeline."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.portal import store
from services.portal.pages.partner import partner_of
from shared.database import Database
from shared.history import TRANSITION
from shared.stores import history_of
from shared.web.person import Person
from shared.web.templating import Pages

LISTED = 200


class AccountPages:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def show_all(self, request: Request, person: Person) -> Response:
        """`?batch=` is where a form leads once all its customers are added: the page says how many."""
        async with self._database.transaction() as tx:
            registrations = await store.newest(tx, partner_of(person).partner_id, LISTED)
        batch_id = uuid_in(request.query_params.get("batch", ""))
        added = sum(it.batch_id == batch_id for it in registrations) if batch_id else 0
        return self._pages.answer(request, "accounts.html", registrations=registrations, added=added, limit=LISTED)

    async def show_one(self, request: Request, person: Person) -> Response:
        registration_id = uuid_in(request.path_params["registration_id"])
        if registration_id is None:
            raise HTTPException(404)
        async with self._database.transaction() as tx:
            registration = await store.get(tx, registration_id, partner_of(person).partner_id)
            if registration is None:
                raise HTTPException(404)
            history = await history_of(tx, registration_id)
        moves = [entry for entry in history if entry.note == TRANSITION]
        return self._pages.answer(request, "account.html", it=registration, moves=moves)


def uuid_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
