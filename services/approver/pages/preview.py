"""What the partner will read of a rejection, before it is one; the page comes back as it is now, with what was typed.

Without a script a button asks for it. With one the page asks while the reason is being typed, and puts in place only
the part that shows it.
"""

from starlette.requests import Request
from starlette.responses import Response

from services.approver.pages.asked import asked_for
from services.approver.pages.case import CasePage
from services.approver.pages.form import typed_in
from shared.database import Database
from shared.web import live
from shared.web.person import Person


class PreviewPage:
    def __init__(self, page: CasePage, database: Database) -> None:
        self._page = page
        self._database = database

    async def show(self, request: Request, person: Person) -> Response:
        """Changes nothing."""
        typed, since = await typed_in(request, "reason"), live.now()
        async with self._database.reading() as tx:
            case = await asked_for(tx, request)
            return await self._page.answer(request, tx, case, person, typed=typed, since=since)
