"""The menu "Account": the partner's registrations as a list, and what one form has added. Both stay right while they
are open.
"""

from starlette.requests import Request
from starlette.responses import Response

from services.portal import lists
from services.portal.domain import Registration, Status
from services.portal.pages import listing
from services.portal.pages.partner import partner_of
from services.portal.pages.registration import uuid_in
from shared.database import Database
from shared.web import live
from shared.web.live import Changes
from shared.web.person import Person
from shared.web.templating import Pages


class AccountPages:
    def __init__(self, pages: Pages, database: Database, changes: Changes) -> None:
        self._pages = pages
        self._database = database
        self._changes = changes

    async def show_all(self, request: Request, person: Person) -> Response:
        """`?batch=` is where a form leads once all its customers are added: the page shows them, and how each fares."""
        partner_id, since = partner_of(person).partner_id, live.now()
        if added := await self._added(request, partner_id):
            return self._pages.answer(request, "added.html", registrations=added, since=since)
        asked = listing.read(request.query_params)
        async with self._database.transaction() as tx:
            page = await lists.page(tx, asked.wanted(partner_id), after=asked.after, before=asked.before)
        return self._pages.answer(
            request,
            "accounts.html",
            asked=asked if page.before else asked.first,  # nothing may be left where the address begins
            page=page,
            since=since,
            orders=listing.ORDERS,
            all_statuses=tuple(Status),
        )

    async def _added(self, request: Request, partner_id: str) -> list[Registration]:
        batch_id = uuid_in(request.query_params.get("batch", ""))
        if batch_id is None:
            return []
        async with self._database.reading() as tx:
            return await lists.batch(tx, batch_id, partner_id)

    async def changes(self, request: Request, person: Person) -> Response:
        """The stream that says when registrations of the partner have changed."""
        return self._changes.stream(request, person, partner_of(person).partner_id)
