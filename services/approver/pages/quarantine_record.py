"""One record of approver's own quarantine: its bytes, as much as a page holds, where it came from, why it is here. An
administrator replays or discards it; reviewers read.

The bytes come from anybody. They are shown as text in which nothing can act on the page or turn the words around it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.approver.pages.form import Typed, typed_in
from shared.database import Database
from shared.messaging import settling
from shared.messaging.batch import Inbox
from shared.messaging.quarantine import State
from shared.messaging.readable import one_line, readable
from shared.messaging.settling import Discarded, FailedAgain, Kept, Replayed, SettledBefore
from shared.web.person import Person
from shared.web.templating import Pages

ADMIN = "vng-admin"
MOST_OF_A_VALUE = 4000  # bytes
MOST_OF_A_HEADER = 200  # bytes
MOST_HEADERS = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """The record in words. `cut`: the page does not show all of it."""

    key: str
    value: str
    size: int
    headers: list[tuple[str, str]]
    cut: bool


class QuarantineRecordPage:
    def __init__(self, pages: Pages, database: Database, inbox: Inbox, caught_up: Callable[[], bool]) -> None:
        self._pages = pages
        self._database = database
        self._inbox = inbox
        self._caught_up = caught_up

    async def show(self, request: Request, person: Person) -> Response:
        return await self._answer(request, person)

    async def replay(self, request: Request, person: Person) -> Response:
        number = _number(request)
        if not self._caught_up():
            return await self._answer(request, person, status=503, problem="starting", headers={"Retry-After": "5"})
        outcome = await settling.replay(self._database, self._inbox, number, person.email)
        match outcome:
            case None:
                raise HTTPException(404)
            case FailedAgain():
                return await self._answer(request, person, status=409, problem="failed_again")
            case SettledBefore(entry) if entry.state != State.REPLAYED:
                return await self._answer(request, person, status=409, problem="settled_before")
            case Replayed() | SettledBefore():  # twice changes nothing
                return RedirectResponse(f"/quarantine/{number}", 303)

    async def discard(self, request: Request, person: Person) -> Response:
        number, typed = _number(request), await typed_in(request, "reason", required="reason")
        if typed.problems:
            return await self._answer(request, person, status=422, problem="reason", typed=typed)
        outcome = await settling.discard(self._database, number, person.email, typed.reason)
        match outcome:
            case None:
                raise HTTPException(404)
            case SettledBefore():
                return await self._answer(request, person, status=409, problem="settled_before", typed=typed)
            case Discarded():
                return RedirectResponse(f"/quarantine/{number}", 303)

    async def _answer(
        self,
        request: Request,
        person: Person,
        *,
        status: int = 200,
        problem: str = "",
        typed: Typed | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        async with self._database.reading() as tx:
            it = await settling.get(tx, _number(request))
        if it is None:
            raise HTTPException(404)
        typed = typed or Typed()
        return self._pages.answer(
            request,
            "quarantine_record.html",
            status=status,
            headers=headers,
            it=it,
            shown=_shown(it),
            may_act=ADMIN in person.roles,
            problem=problem,
            typed=typed,
            problems=dict(typed.problems),
            one_line=one_line,
        )


def _shown(it: Kept) -> Shown:
    headers = [(one_line(name[:MOST_OF_A_HEADER]), _header(value)) for name, value in list(it.headers)[:MOST_HEADERS]]
    cut = len(it.value or b"") > MOST_OF_A_VALUE or len(it.headers) > MOST_HEADERS
    return Shown(
        key=one_line(readable(it.key, MOST_OF_A_HEADER)),
        value=readable(it.value, MOST_OF_A_VALUE),
        size=len(it.value or b""),
        headers=headers,
        cut=cut or any(len(value or "") > 2 * MOST_OF_A_HEADER for _name, value in it.headers),
    )


def _header(value: str | None) -> str:
    return one_line(readable(None if value is None else bytes.fromhex(value), MOST_OF_A_HEADER))


def _number(request: Request) -> int:
    """Raises HTTPException 404: a malformed number is an unknown one."""
    number = settling.which(request.path_params["number"])
    if not isinstance(number, int):
        raise HTTPException(404)
    return number
