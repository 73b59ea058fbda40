"""The form "Add a customer account". No good row is lost to a bad one, and none is registered twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.portal import store
from services.portal.pages.form import MOST_ROWS, Form, FormProblem, Row, Sending, check, read
from services.portal.pages.partner import partner_of
from services.portal.pages.registration import uuid_in
from shared.database import Database
from shared.events import RegistrationRequested
from shared.web.person import Person
from shared.web.templating import Pages

MOST_FIELDS = 100_000  # the length of a body is limited already; a form far too long is told so, and kept


@dataclass(frozen=True, slots=True)
class Taken:
    """A good row. `added` is False where the same form had added it before."""

    request: RegistrationRequested
    added: bool


class AddPage:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def show(self, request: Request, person: Person) -> Response:
        """`?again=` is the id of a registration of the partner's own: its customer is filled in."""
        return self._page(request, [await self._row_again(request, person)], uuid4())

    async def submit(self, request: Request, person: Person) -> Response:
        async with request.form(max_fields=MOST_FIELDS) as fields:
            form = read(fields)
        batch_id = uuid_in(form.batch_id) if form.batch_id else uuid4()
        if form.wants_row:
            rows = form.with_one_more_row()
            return self._page(request, rows, batch_id or uuid4(), focus=len(rows))
        problem = form.problem(batch_id)
        if batch_id is None or problem:
            return self._page(request, form.rows or [Row()], batch_id or uuid4(), status=422, problem=problem)
        return await self._register(request, person, form, batch_id)

    async def _row_again(self, request: Request, person: Person) -> Row:
        registration_id = uuid_in(request.query_params.get("again", ""))
        if registration_id is None:
            return Row()
        async with self._database.transaction() as tx:
            known = await store.get(tx, registration_id, partner_of(person).partner_id)
        return Row(known.customer_email or "", known.common_name or "", known.role or "Partner") if known else Row()

    async def _register(self, request: Request, person: Person, form: Form, batch_id: UUID) -> Response:
        now = self._database.clock()
        sending = Sending(batch_id, partner_of(person), self._pages.locale(request), now)
        requests, bad = check(form.filled, sending)
        async with self._database.transaction(now) as tx:
            added = await store.request(tx, requests)
        if not bad:
            return RedirectResponse(f"/accounts?batch={batch_id}", 303)
        taken = [Taken(one, one.registration_id in added) for one in requests]
        return self._page(request, bad, batch_id, status=200 if taken else 422, taken=taken)

    def _page(
        self,
        request: Request,
        rows: Sequence[Row],
        batch_id: UUID,
        *,
        status: int = 200,
        taken: Sequence[Taken] = (),
        problem: FormProblem | None = None,
        focus: int = 0,
    ) -> Response:
        """`focus` is the number of the row to type into next; 0 leaves the reader at the top."""
        return self._pages.answer(
            request,
            "add.html",
            status=status,
            rows=rows,
            bad=sum(bool(row.problems) for row in rows),
            batch_id=batch_id,
            taken=taken,
            problem=problem,
            focus=focus,
            most=MOST_ROWS,
        )
