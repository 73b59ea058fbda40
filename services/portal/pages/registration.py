"""The page of one registration: where it stands, what the partner may ask, what happened. Whoever answers with it has
found the registration in its own transaction.
"""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.portal.asks import Obstacle, resend_obstacle
from services.portal.domain import CLOSED, FINAL, Registration
from services.portal.pages.timeline import timeline
from shared.database import Transaction
from shared.events import CustomerConfirmed
from shared.stores import history_of
from shared.web.templating import Pages


async def registration_page(
    pages: Pages,
    request: Request,
    tx: Transaction,
    it: Registration,
    *,
    status: int = 200,
    refusal: Obstacle | None = None,
    typed: str = "",
    problem: str = "",
) -> Response:
    """`typed` is a reason to withdraw, and `problem` what is wrong with it: "too_long" or "not_text"."""
    lines = timeline(await history_of(tx, it.registration_id))
    return pages.answer(
        request,
        "registration.html",
        status=status,
        it=it,
        lines=lines,
        ending=next((line for line in lines if line.status_to in FINAL and line.status_from != line.status_to), None),
        confirmed=next((line for line in lines if line.event == CustomerConfirmed.type()), None),
        is_final=it.status in FINAL,
        is_closed=it.status in CLOSED,
        obstacle=resend_obstacle(it, tx.now),
        refusal=refusal,
        typed=typed,
        problem=problem,
    )


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
