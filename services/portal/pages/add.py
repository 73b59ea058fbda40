"""The form "Add a customer account". No good row is lost to a bad one, and none is registered twice.

Every button posts the whole form and gets it back, so the form needs no script; nothing but "Add" registers anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from uuid_utils.compat import uuid7

from services.portal import store
from services.portal.pages.checking import Sending, check
from services.portal.pages.form import (
    MOST_ROWS,
    Filled,
    Form,
    FormProblem,
    ListProblem,
    Problem,
    Row,
    Wish,
    fill,
    read,
)
from services.portal.pages.partner import partner_of
from services.portal.pages.registration import uuid_in
from shared.database import Database
from shared.events import RegistrationRequested
from shared.web.languages import choose, remember_choice
from shared.web.person import Person
from shared.web.templating import Pages

MOST_FIELDS = 2_000  # of some six hundred rows
MOST_SHOWN = 200  # rows; the page itself makes no form of more than fifty


@dataclass(frozen=True, slots=True)
class Taken:
    """A good row. `added` is False where the same form had added it before."""

    request: RegistrationRequested
    added: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The form as it is given back: of `sent_rows` rows the first, if they are too many. `was_sent` says that it was to
    be added; `focus` is the id of what to read or type into next; `pasted` a list that was not taken."""

    rows: Sequence[Row]
    batch_id: UUID
    taken: Sequence[Taken] = ()
    problem: FormProblem | ListProblem | None = None
    filled: Filled | None = None
    checked: bool = False
    was_sent: bool = False
    focus: str = ""
    pasted: str = ""
    sent_rows: int = 0
    filled_rows: int = 0

    @property
    def bad(self) -> int:
        return sum(bool(row.problems) for row in self.rows)

    @property
    def marks(self) -> list[tuple[int, str, Problem]]:
        """What is wrong, by the number of the row and its field."""
        return [(n, *wrong) for n, row in enumerate(self.rows, start=1) for wrong in row.problems]


class AddPage:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def show(self, request: Request, person: Person) -> Response:
        """`?again=` is the id of a registration of the partner's own: its customer is filled in."""
        return self._page(request, Shown([await self._row_again(request, person)], uuid7()))

    async def submit(self, request: Request, person: Person) -> Response:
        form = await _form(request)
        given = uuid_in(form.batch_id) if form.batch_id else uuid7()
        batch_id = given or uuid7()
        if form.language:
            choose(request, form.language)
        if form.wish is not Wish.ADD:
            answer = await self._give_back(request, person, form, batch_id)
            if form.language:
                remember_choice(answer, self._pages.site, form.language)
            return answer
        if problem := FormProblem.OUT_OF_DATE if given is None else form.problem():
            shown = Shown(form.rows or [Row()], batch_id, problem=problem, was_sent=True, focus="problem")
            return self._page(request, shown, status=422)
        return await self._register(request, person, form, batch_id)

    async def _row_again(self, request: Request, person: Person) -> Row:
        registration_id = uuid_in(request.query_params.get("again", ""))
        if registration_id is None:
            return Row()
        async with self._database.reading() as tx:
            known = await store.get(tx, registration_id, partner_of(person).partner_id)
        return Row(known.customer_email or "", known.common_name or "", known.role or "Partner") if known else Row()

    async def _give_back(self, request: Request, person: Person, form: Form, batch_id: UUID) -> Response:
        shown = Shown(form.rows or [Row()], batch_id, checked=form.checked)
        match form.wish:
            case Wish.ADD_ROW:
                rows = form.with_one_more_row()
                shown = replace(shown, rows=rows, focus=f"email-{len(rows)}")
            case Wish.REMOVE_ROW:
                rows = form.without_removed()
                shown = replace(shown, rows=rows, focus=f"email-{min(max(form.removed, 1), len(rows))}")
            case Wish.FILL_IN:
                shown = await _with_list(shown, form)
            case Wish.TRANSLATE:
                shown = replace(shown, pasted=form.pasted)
        if shown.checked:
            sending = self._sending(request, person, batch_id)
            shown = replace(shown, rows=[it.row for it in check(shown.rows, sending)])
        return self._page(request, shown)

    async def _register(self, request: Request, person: Person, form: Form, batch_id: UUID) -> Response:
        sending = self._sending(request, person, batch_id)
        checked = list(check(form.filled, sending))
        requests = [it.request for it in checked if it.request]
        async with self._database.transaction(sending.at) as tx:
            added = await store.request(tx, requests)
        if len(requests) == len(checked):
            return RedirectResponse(f"/accounts?batch={batch_id}", 303)
        bad = [it.row for it in checked if not it.request]
        taken = [Taken(one, one.registration_id in added) for one in requests]
        shown = Shown(bad, batch_id, taken, checked=True, was_sent=True, focus="problem")
        return self._page(request, shown, status=200 if taken else 422)

    def _sending(self, request: Request, person: Person, batch_id: UUID) -> Sending:
        return Sending(batch_id, partner_of(person), self._pages.locale(request), self._database.clock())

    def _page(self, request: Request, shown: Shown, status: int = 200) -> Response:
        filled = sum(not row.is_empty for row in shown.rows)
        shown = replace(shown, rows=shown.rows[:MOST_SHOWN], sent_rows=len(shown.rows), filled_rows=filled)
        return self._pages.answer(request, "add.html", status=status, form=shown, most=MOST_ROWS)


async def _form(request: Request) -> Form:
    """Raises HTTPException 413 for one that is too long to be read."""
    try:
        async with request.form(max_fields=MOST_FIELDS) as fields:
            return await read(fields)
    except HTTPException as unreadable:
        if unreadable.detail.startswith("Too many fields"):
            raise HTTPException(413) from None
        raise


async def _with_list(shown: Shown, form: Form) -> Shown:
    done = await run_in_threadpool(fill, form)  # a long list takes a second to read
    if isinstance(done, Filled):
        return replace(shown, rows=done.rows, filled=done, checked=True, focus="filled")
    return replace(shown, problem=done, pasted=form.pasted, focus="problem")
