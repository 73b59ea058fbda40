"""The page behind the link in the email. Opening it changes nothing, ever: mail scanners open links. Buttons answer.

It names the partner and the account, never the common name, which is the partner's own label.
"""

from typing import Literal
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.notifier import domain, store
from services.notifier.domain import Confirmation, NoLongerOpen, Status
from services.notifier.links import Links
from shared.database import Database
from shared.events import Reason
from shared.web.templating import Pages

Answer = Literal["confirm", "decline"]

_REASON: TypeAdapter[str] = TypeAdapter(Reason)


def routes(pages: Pages, database: Database, links: Links) -> list[BaseRoute]:
    page = ConfirmationPage(pages, database, links)
    return [
        Route("/confirmations/{token}", page.show),
        Route("/confirmations/{token}/confirm", page.confirm, methods=["POST"]),
        Route("/confirmations/{token}/decline", page.decline, methods=["POST"]),
    ]


class ConfirmationPage:
    def __init__(self, pages: Pages, database: Database, links: Links) -> None:
        self._pages = pages
        self._database = database
        self._links = links

    async def show(self, request: Request) -> Response:
        registration_id = self._read(request)
        async with self._database.transaction() as tx:
            it = (await store.get(tx, [registration_id])).get(registration_id)
        return self._page(request, self._found(it))

    async def confirm(self, request: Request) -> Response:
        return await self._answer(request, "confirm", None)

    async def decline(self, request: Request) -> Response:
        async with request.form() as form:
            typed = str(form.get("reason") or "").replace("\r\n", "\n")
        try:
            reason = _REASON.validate_python(typed) if typed.strip() else None
        except ValidationError as refused:
            return await self._ask_again(request, typed, too_long=refused.errors()[0]["type"] == "string_too_long")
        return await self._answer(request, "decline", reason)

    async def _answer(self, request: Request, answer: Answer, reason: str | None) -> Response:
        registration_id = self._read(request)
        async with self._database.transaction() as tx:
            it = self._found((await store.lock(tx, [registration_id])).get(registration_id))
            told = domain.confirm(it, tx.now) if answer == "confirm" else domain.decline(it, reason, tx.now)
            if told is None:
                return self._page(request, it)
            if isinstance(told, NoLongerOpen):
                return self._page(request, it, status=409)
            decided = domain.answered(it, told, tx.now)
            await store.save(tx, decided)
        return self._page(request, decided.changed[registration_id])

    async def _ask_again(self, request: Request, typed: str, *, too_long: bool) -> Response:
        registration_id = self._read(request)
        async with self._database.transaction() as tx:
            it = self._found((await store.get(tx, [registration_id])).get(registration_id))
        return self._page(request, it, status=422, typed=typed, problem="too_long" if too_long else "not_text")

    def _read(self, request: Request) -> UUID:
        registration_id = self._links.read(request.path_params["token"])
        if registration_id is None:
            raise HTTPException(404)
        return registration_id

    def _found(self, it: Confirmation | None) -> Confirmation:
        if it is None:
            raise HTTPException(404)
        return it

    def _page(
        self, request: Request, it: Confirmation, *, status: int = 200, typed: str = "", problem: str = ""
    ) -> Response:
        return self._pages.answer(
            request,
            "confirmation.html",
            status=status,
            hint=it.locale,
            state=_state(it, domain.is_open(it, self._database.clock())),
            token=request.path_params["token"],
            partner=it.partner_name,
            account=it.customer_email,
            valid_until=it.valid_until,
            overtaken=status == 409,
            typed=typed,
            problem=problem,
        )


def _state(it: Confirmation, is_open: bool) -> str:
    """What the page shows: "open", "confirmed", "declined", "expired", or registrar's final word."""
    if is_open:
        return "open"
    if it.outcome and it.outcome != "declined":
        return it.outcome
    return "expired" if it.status is Status.PENDING else it.status.value
