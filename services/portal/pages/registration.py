"""The page of one registration: where it stands, what the partner may ask, what happened. It stays right while it is
open; whoever answers with it has found the registration in its own transaction.
"""

from datetime import datetime
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.portal import store
from services.portal.asks import Obstacle, resend_obstacle
from services.portal.domain import CLOSED, FINAL, Registration, Status
from services.portal.pages.lookalikes import beyond_ascii
from services.portal.pages.partner import partner_of
from services.portal.pages.progress import progress
from services.portal.pages.timeline import timeline
from shared.database import Database, Reading
from shared.events import CustomerConfirmed
from shared.personal import GONE
from shared.stores import history_of
from shared.web import live
from shared.web.person import Person
from shared.web.templating import Pages


class RegistrationPage:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def show(self, request: Request, person: Person) -> Response:
        since = live.now()
        async with self._database.reading() as tx:
            it = await store.get(tx, id_in(request), partner_of(person).partner_id)
            if it is None:
                raise HTTPException(404)
            refusal = _refusal_shown(request, it, tx.now)
            return await registration_page(self._pages, request, tx, it, since, refusal=refusal)


async def registration_page(
    pages: Pages,
    request: Request,
    tx: Reading,
    it: Registration,
    since: str,
    *,
    status: int = 200,
    refusal: Obstacle | None = None,
    typed: str = "",
    problem: str = "",
) -> Response:
    """`since` is `live.now()` of before the registration was read. `typed` is a reason to withdraw, and `problem` what
    is wrong with it: "too_long" or "not_text"."""
    lines = timeline(await history_of(tx, it.registration_id))
    ending = next((line for line in lines if line.status_to in FINAL and line.status_from != line.status_to), None)
    confirmed = next((line for line in lines if line.event == CustomerConfirmed.type()), None)
    return pages.answer(
        request,
        "registration.html",
        status=status,
        it=it,
        lines=lines,
        ending=ending,
        confirmed=confirmed,
        steps=progress(it, confirmed.at if confirmed else None, ending.at if ending else None),
        odd_in_email=beyond_ascii(it.customer_email or ""),
        since=since,
        is_final=it.status in FINAL,
        is_closed=it.status in CLOSED,
        may_be_repeated=it.status in CLOSED and it.customer_email != GONE,
        obstacle=resend_obstacle(it, tx.now),
        refusal=refusal,
        typed=typed,
        problem=problem,
    )


def _refusal_shown(request: Request, it: Registration, now: datetime) -> Obstacle | None:
    """A page that says a refusal is renewed by `?refused=CODE&while=STATUS`, and looks as it did while both hold."""
    code = request.query_params.get("refused", "")
    if code not in {*Obstacle} or request.query_params.get("while") != it.status:
        return None
    refusal = Obstacle(code)
    ended = it.status in FINAL - {Status.WITHDRAWN}  # what is withdrawn may be withdrawn again
    holds = ended if refusal is Obstacle.ALREADY_ENDED else resend_obstacle(it, now) is refusal
    return refusal if holds else None


def id_in(request: Request) -> UUID:
    """A malformed id is an unknown one."""
    found = uuid_in(request.path_params["registration_id"])
    if found is None:
        raise HTTPException(404)
    return found


def uuid_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
