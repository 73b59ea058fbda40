"""What could not be accepted: approver's own records, and what the other services tell of theirs.

A service sees its own tables only, so records of others are not shown or replayed here: the page gives the command line
that does it.
"""

from dataclasses import dataclass
from enum import StrEnum

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from services.approver import elsewhere
from shared.database import Database
from shared.messaging import settling
from shared.messaging.readable import one_line
from shared.web.person import Person
from shared.web.templating import Pages

PAGE = 50
_LARGEST = 2**63 - 1


class View(StrEnum):
    WAITING = "waiting"
    SETTLED = "settled"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Asked:
    """`beyond`: the number of the last record on the page before."""

    view: View
    beyond: int | None

    def address(self, beyond: int | None = None) -> str:
        shown = [] if self.view is View.WAITING else [f"show={self.view}"]
        after = [] if beyond is None else [f"beyond={beyond}"]
        return "/quarantine" + ("?" if shown or after else "") + "&".join(shown + after)


class QuarantinePage:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def show(self, request: Request, _person: Person) -> Response:
        asked = asked_by(request.query_params)
        rows = await self._rows(asked)
        more = len(rows) > PAGE
        return self._pages.answer(
            request,
            "quarantine.html",
            asked=asked,
            views={view: Asked(view, None).address() for view in View},
            rows=rows[:PAGE],
            next=asked.address(rows[PAGE - 1].id) if more else None,
            one_line=one_line,
        )

    async def _rows(self, asked: Asked) -> list[settling.Entry] | list[elsewhere.Report]:
        """One more than a page holds, where there are more."""
        async with self._database.reading() as tx:
            match asked.view:
                case View.WAITING:
                    return await settling.waiting(tx, PAGE + 1, asked.beyond or 0)
                case View.SETTLED:
                    return await settling.settled(tx, PAGE + 1, asked.beyond or _LARGEST)
                case View.ELSEWHERE:
                    return await elsewhere.newest(tx, PAGE + 1, asked.beyond or _LARGEST)


def asked_by(query: QueryParams) -> Asked:
    """What means nothing is as if it were not there."""
    shown, beyond = query.get("show"), settling.which(query.get("beyond", ""))
    view = View(shown) if shown in set(View) else View.WAITING
    return Asked(view, beyond if isinstance(beyond, int) else None)
