"""What a partner asks for after registering: another confirmation mail, or the registration's withdrawal.

Each is decided on the locked row: of two posts at once, the second sees what the first asked for.
"""

from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.portal import asks, store
from services.portal.asks import Asked, Refused
from services.portal.domain import Registration
from services.portal.pages.partner import Partner, partner_of
from services.portal.pages.registration import id_in, registration_page
from services.portal.pages.typed import UNREADABLE, readable
from shared.database import Database, Transaction
from shared.events import Reason
from shared.web import live
from shared.web.person import Person
from shared.web.templating import Pages

_REASON: TypeAdapter[str] = TypeAdapter(Reason)


class ChangePages:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def resend(self, request: Request, person: Person) -> Response:
        partner, since = partner_of(person), live.now()
        async with self._database.transaction() as tx:
            it = await _locked(request, tx, partner)
            return await self._settle(request, tx, it, since, asks.resend(it, partner.person_email, tx.now))

    async def withdraw(self, request: Request, person: Person) -> Response:
        partner, typed = partner_of(person), await _typed_reason(request)
        reason, problem = _checked(typed)
        since = live.now()
        async with self._database.transaction() as tx:
            it = await _locked(request, tx, partner)
            answer = asks.withdraw(it, partner.person_email, reason, tx.now)
            if problem and isinstance(answer, Asked):
                return await registration_page(
                    self._pages, request, tx, it, since, status=422, typed=typed, problem=problem
                )
            return await self._settle(request, tx, it, since, answer)

    async def _settle(
        self, request: Request, tx: Transaction, it: Registration, since: str, answer: Asked | Refused | None
    ) -> Response:
        if isinstance(answer, Refused):
            return await registration_page(self._pages, request, tx, it, since, status=409, refusal=answer.code)
        if answer:
            await store.ask(tx, answer)
        return RedirectResponse(f"/accounts/{it.registration_id}", 303)


async def _locked(request: Request, tx: Transaction, partner: Partner) -> Registration:
    it = await store.lock_one(tx, id_in(request), partner.partner_id)
    if it is None:
        raise HTTPException(404)
    return it


async def _typed_reason(request: Request) -> str:
    async with request.form() as form:
        typed = form.get("reason")
    return readable(typed.replace("\r\n", "\n")) if isinstance(typed, str) else ""


def _checked(typed: str) -> tuple[str | None, str]:
    """The reason, if one was given, and what is wrong with it."""
    if not typed.strip():
        return None, ""
    if UNREADABLE in typed:
        return None, "not_text"
    try:
        return _REASON.validate_python(typed), ""
    except ValidationError as refused:
        return None, "too_long" if refused.errors()[0]["type"] == "string_too_long" else "not_text"
