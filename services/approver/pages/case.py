"""One case: the account beside the conditions, the request, who holds it, what became of it, what else approver knows
of its partner and its account, and its history."""

from collections.abc import Container
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.approver import related
from services.approver.business_days import time_left
from services.approver.domain import Case, Status
from services.approver.facts import changed_facts, facts_of
from services.approver.pages.asked import asked_for, reviewer
from services.approver.pages.conditions import conditions
from services.approver.pages.form import Typed
from services.approver.pages.news import mark
from services.approver.policy import failing_codes
from services.approver.refusals import ConditionsChanged, FactsNotYetRead, NoLongerEligible, Refusal
from shared.database import Database, Reading
from shared.eligibility import CurrentCustomers
from shared.stores import find_account, history_of
from shared.web import live
from shared.web.person import Person
from shared.web.templating import Pages


class CasePage:
    def __init__(self, pages: Pages, database: Database, policy: CurrentCustomers, holidays: Container[date]) -> None:
        self._pages = pages
        self._database = database
        self._policy = policy
        self._holidays = holidays

    async def show(self, request: Request, person: Person) -> Response:
        since = live.now()
        async with self._database.reading() as tx:
            return await self.answer(request, tx, await asked_for(tx, request), person, since=since)

    async def answer(
        self,
        request: Request,
        tx: Reading,
        case: Case,
        person: Person,
        *,
        refusal: Refusal | None = None,
        typed: Typed | None = None,
        since: str | None = None,
    ) -> Response:
        """With what was typed, where it is not taken, and why. `since`: the moment before `case` was read, where it is
        not locked."""
        typed = typed or Typed()
        is_open = case.status is Status.OPEN
        return self._pages.answer(
            request,
            "case.html",
            status=_status(refusal, typed),
            headers={"Retry-After": "5"} if isinstance(refusal, FactsNotYetRead) else None,
            case=case,
            claimer=case.claimer(tx.now),
            may_act=reviewer(person).may_act_for(case.claimer(tx.now)),
            is_open=is_open,
            left=time_left(case.due_at, tx.now, self._holidays) if is_open and case.due_at else None,
            refusal=refusal,
            typed=typed,
            problems=dict(typed.problems),
            since=since or live.now(),
            **await self._known(tx, case),
        )

    async def _known(self, tx: Reading, case: Case) -> dict[str, Any]:
        """All that is stored about the case beside itself."""
        account = await find_account(tx, case.customer_email)
        facts, codes = facts_of(account), failing_codes(account, self._policy)
        history = await history_of(tx, case.registration_id)
        return {
            "account": facts,
            "facts_mark": mark(facts),
            "changes": changed_facts(case.facts, facts) if case.status is Status.OPEN else [],
            "codes": codes,
            "conditions": conditions(facts, codes),
            # A note has the version that it found: a release stands before what the policy then made of the case.
            "history": sorted(history, key=lambda line: line.version),
            "related": await related.of(tx, case),
        }


def _status(refusal: Refusal | None, typed: Typed) -> int:
    match refusal:
        case None:
            return 422 if typed.problems else 200
        case FactsNotYetRead():
            return 503
        case NoLongerEligible() | ConditionsChanged():
            return 422
        case _:
            return 409
