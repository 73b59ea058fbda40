"""The menu "Account": the partner's registrations, and one of them with its timeline."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.portal import store
from services.portal.pages.partner import partner_of
from services.portal.pages.registration import id_in, registration_page, uuid_in
from shared.database import Database
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
        async with self._database.transaction() as tx:
            registration = await store.get(tx, id_in(request), partner_of(person).partner_id)
            if registration is None:
                raise HTTPException(404)
            return await registration_page(self._pages, request, tx, registration)
