"""The queue: a page of open cases in the view that is asked for, or of those that are over.

While it is open, what is told to it changes its counts, and a line says when its rows would now be others; the rows
stay as they are until the reader asks for the new ones.
"""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.approver import queue
from services.approver.business_days import TimeLeft, next_business_day, time_left
from services.approver.domain import Case, Rules, Status
from services.approver.facts import changed_facts, facts_of
from services.approver.pages.asked_queue import Asked, asked_by
from services.approver.pages.news import mark
from services.approver.policy import failing_codes
from services.approver.queue import Reader
from services.approver.queue_statements import MOST_COUNTED, PAGE, View
from services.approver.store import QUEUE
from shared import searching
from shared.database import Database, Transaction
from shared.eligibility import Account
from shared.stores import find_accounts
from shared.web import live
from shared.web.live import Changes
from shared.web.person import Person
from shared.web.templating import Pages


@dataclass(frozen=True, slots=True)
class Row:
    """A case as the queue shows it. One that is over has no `left`, and nobody asks any more what its account is."""

    case: Case
    claimer: str | None
    left: TimeLeft | None = None
    seen: str = ""
    account_changed: bool = False
    conditions_not_met: bool = False


class QueuePage:
    def __init__(
        self, pages: Pages, database: Database, rules: Rules, changes: Changes, holidays: Container[date]
    ) -> None:
        self._pages = pages
        self._database = database
        self._rules = rules
        self._changes = changes
        self._holidays = holidays

    async def stream(self, request: Request, person: Person) -> Response:
        return self._changes.stream(request, person, QUEUE)

    async def show(self, request: Request, person: Person) -> Response:
        """`?seen=` is what an open page shows, as its `mark` says."""
        asked, seen = asked_by(request.query_params), request.query_params.get("seen")
        return await self.answer(request, person, asked, seen=seen)

    async def answer(
        self,
        request: Request,
        person: Person,
        asked: Asked,
        *,
        seen: str | None = None,
        problem: str | None = None,
        note: str = "",
        chosen: Collection[str] = (),
        marks: Mapping[str, str] | None = None,
    ) -> Response:
        """With what was chosen and typed, where it is not taken, and the `problem` with it. `marks` are of the rows on
        which it was chosen: what has changed since then is still not approved."""
        since = live.now()
        async with self._database.transaction() as tx:
            reader = Reader(person.email, tx.now, next_business_day(tx.now, self._holidays))
            counts = await queue.counts(tx, reader)
            page = await queue.page(tx, asked.view, reader, searching.query(asked.words), asked.beyond)
            rows = await self._rows(tx, page.cases)
        shown = _mark(rows)
        return self._pages.answer(
            request,
            "cases.html",
            status=422 if problem else 200,
            asked=asked,
            since=since,
            rows=rows,
            mark=shown,
            rows_are_others=seen is not None and seen != shown,
            previous=page.previous,
            next=page.next,
            is_partial=page.is_partial,
            views={view: counts.get(view) for view in View},
            most_counted=MOST_COUNTED,
            most_chosen=PAGE,
            problem=problem,
            note=note,
            chosen=chosen,
            marks=marks or {},
        )

    async def _rows(self, tx: Transaction, cases: list[Case]) -> list[Row]:
        still_open = [case.customer_email for case in cases if case.status is Status.OPEN]
        accounts: Mapping[str, Account] = await find_accounts(tx, still_open) if still_open else {}
        return [self._row(case, accounts.get(case.customer_email), tx) for case in cases]

    def _row(self, case: Case, account: Account | None, tx: Transaction) -> Row:
        claimer = case.claimer(tx.now)
        if case.status is not Status.OPEN or case.due_at is None:
            return Row(case, claimer)
        return Row(
            case,
            claimer,
            time_left(case.due_at, tx.now, self._holidays),
            seen=seen_mark(account, claimer),
            account_changed=bool(changed_facts(case.facts, facts_of(account))),
            conditions_not_met=bool(failing_codes(account, self._rules.policy)),
        )


def seen_mark(account: Account | None, claimer: str | None) -> str:
    """Of what a row shows: who approves it among others approves this, and nothing that has changed since."""
    return sha256(f"{mark(facts_of(account))} {claimer}".encode()).hexdigest()[:16]


def _mark(rows: list[Row]) -> str:
    """Says of two pages whether they show the same, but for the time that passes."""
    shown: list[tuple[Any, ...]] = [
        (
            str(row.case.registration_id),
            row.case.version,
            row.claimer,
            row.case.current_customer,
            row.account_changed,
            row.conditions_not_met,
        )
        for row in rows
    ]
    return sha256(repr(shown).encode()).hexdigest()[:16]
