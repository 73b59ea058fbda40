"""The page behind the link in the email. Opening it changes nothing, ever: mail scanners open links. Buttons answer.
The link of any earlier mail opens the confirmation as it stands now.

It names the partner and the account, never the common name, which is the partner's own label. A link that is none of
ours, or only a part of one, is counted as a bad try, and has a page for customers: they can do nothing with the usual
one.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.notifier import answers, store
from services.notifier.answering import MOST, Answer, Answering, Said, is_blanked
from services.notifier.domain import Confirmation
from services.notifier.links import Links
from shared.database import Database, Reading
from shared.events import CustomerDeclined, Reason
from shared.stores import history_of
from shared.together import Together
from shared.web.bidi import bdi, isolated
from shared.web.templating import Pages
from shared.web.tries import BadTry

Endpoint = Callable[[Request], Awaitable[Response]]
LinkEndpoint = Callable[[Request, UUID], Awaitable[Response]]

_REASON: TypeAdapter[str] = TypeAdapter(Reason)
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Characters that no page may hold."""


def routes(pages: Pages, database: Database, links: Links, bad_try: BadTry) -> list[BaseRoute]:
    page = ConfirmationPage(pages, database)

    async def bad(request: Request) -> Response:
        await bad_try(request)
        return page.unknown(request)

    def ours(endpoint: LinkEndpoint) -> Endpoint:
        """Nothing else of a request is read, and nothing looked up, before its link is known to be ours."""

        async def guarded(request: Request) -> Response:
            registration_id = links.read(request.path_params["token"])
            return await (bad(request) if registration_id is None else endpoint(request, registration_id))

        return guarded

    return [
        Route("/confirmations/{token}", ours(page.show)),
        Route("/confirmations/{token}/confirm", ours(page.confirm), methods=["POST"]),
        Route("/confirmations/{token}/decline", ours(page.decline), methods=["POST"]),
        Route("/confirmations/{token}/{answer:str}", ours(page.instead)),
        Route("/confirmations{rest:path}", bad, methods=["GET", "POST"]),
    ]


class ConfirmationPage:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database
        self._answering = Answering(database)
        self._known = Together(self._all_known, MOST)

    async def show(self, request: Request, registration_id: UUID) -> Response:
        it, now = await self._known(registration_id)
        return self._page(request, it, now) if it else self.unknown(request)

    async def instead(self, request: Request, _registration_id: UUID) -> Response:
        """What an answer showed has the address of the answer: reloaded as a page, it is the confirmation."""
        if request.path_params["answer"] not in get_args(Answer):
            return self.unknown(request)
        return RedirectResponse(f"/confirmations/{request.path_params['token']}", 303)

    def unknown(self, request: Request) -> Response:
        return self._pages.answer(request, "unknown_link.html", status=404)

    async def confirm(self, request: Request, registration_id: UUID) -> Response:
        return await self._answer(request, Said(registration_id, "confirm"))

    async def decline(self, request: Request, registration_id: UUID) -> Response:
        async with request.form() as form:
            typed = str(form.get("reason") or "").replace("\r\n", "\n")
        try:
            reason = _REASON.validate_python(typed) if typed.strip() else None
        except ValidationError as refused:
            too_long = refused.errors()[0]["type"] == "string_too_long"
            return await self._ask_again(request, registration_id, typed, too_long=too_long)
        return await self._answer(request, Said(registration_id, "decline", reason))

    async def _answer(self, request: Request, said: Said) -> Response:
        heard = await self._answering.hear(said)
        if heard is None:
            return self.unknown(request)
        unsent = await self._unsent(said) if heard.repeated else ""
        status = 409 if heard.refusal else 200
        return self._page(request, heard.confirmation, heard.at, status=status, unsent=unsent)

    async def _unsent(self, said: Said) -> str:
        """The reason that came again with another text: it is passed on no more."""
        if not said.reason:
            return ""
        async with self._database.reading() as tx:
            return "" if said.reason == await _reason_passed_on(tx, said.registration_id) else said.reason

    async def _ask_again(self, request: Request, registration_id: UUID, typed: str, *, too_long: bool) -> Response:
        it, now = await self._known(registration_id)
        if it is None:
            return self.unknown(request)
        problem, shown = "too_long" if too_long else "not_text", _NOT_SHOWN.sub("\ufffd", typed)
        return self._page(request, it, now, status=422, typed=shown, problem=problem)

    async def _all_known(self, ids: Sequence[UUID]) -> list[tuple[Confirmation | None, datetime]]:
        """As they are now, and when that is. Of one that is blanked nothing is left to tell."""
        async with self._database.reading() as tx:
            known = await store.get(tx, ids)
        shown = (known.get(it) for it in ids)
        return [(None if it is None or is_blanked(it) else it, tx.now) for it in shown]

    def _page(
        self,
        request: Request,
        it: Confirmation,
        now: datetime,
        *,
        status: int = 200,
        typed: str = "",
        problem: str = "",
        unsent: str = "",
    ) -> Response:
        over = answers.settled(it, now)
        return self._pages.answer(
            request,
            "confirmation.html",
            status=status,
            hint=it.locale,
            state=over.code.value if over else "open",
            at=over.at if over else None,
            token=request.path_params["token"],
            partner=bdi(it.partner_name),
            partner_plain=isolated(it.partner_name),
            account=bdi(it.customer_email),
            valid_until=it.valid_until,
            overtaken=status == 409,
            just_answered=request.method == "POST" and status == 200,
            typed=typed,
            problem=problem,
            unsent=unsent,
        )


async def _reason_passed_on(tx: Reading, registration_id: UUID) -> str | None:
    """With which the customer declined: history keeps it."""
    lines = await history_of(tx, registration_id)
    return next((line.reason for line in lines if line.event == CustomerDeclined.type() and not line.note), None)
