"""One case: the request, the account's facts then and now, who holds it, what became of it, its history."""

from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.approver import store
from services.approver.claims import Reviewer
from services.approver.domain import Case, Status
from services.approver.facts import changed_facts, facts_of
from services.approver.pages.form import Typed
from services.approver.policy import failing_codes
from services.approver.refusals import ConditionsChanged, FactsNotYetRead, NoLongerEligible, Refusal
from shared.database import Database, Transaction
from shared.eligibility import CurrentCustomers
from shared.stores import find_account, history_of
from shared.web.person import Person
from shared.web.templating import Pages


def reviewer(person: Person) -> Reviewer:
    return Reviewer(person.email, "vng-admin" in person.roles)


async def asked_for(tx: Transaction, request: Request) -> Case:
    """The case that the address names, not locked. A malformed id is an unknown one: 404."""
    try:
        case = await store.get(tx, UUID(request.path_params["registration_id"]))
    except ValueError:
        case = None
    if case is None:
        raise HTTPException(404)
    return case


class CasePage:
    def __init__(self, pages: Pages, database: Database, policy: CurrentCustomers) -> None:
        self._pages = pages
        self._database = database
        self._policy = policy

    async def show(self, request: Request, person: Person) -> Response:
        async with self._database.transaction() as tx:
            return await self.answer(request, tx, await asked_for(tx, request), person)

    async def answer(
        self,
        request: Request,
        tx: Transaction,
        case: Case,
        person: Person,
        *,
        refusal: Refusal | None = None,
        typed: Typed | None = None,
    ) -> Response:
        """With what was typed, where it is not taken, and why."""
        account = await find_account(tx, case.customer_email)
        typed = typed or Typed()
        is_open = case.status is Status.OPEN
        return self._pages.answer(
            request,
            "case.html",
            status=_status(refusal, typed),
            headers={"Retry-After": "5"} if isinstance(refusal, FactsNotYetRead) else None,
            case=case,
            account=account if account and not account.deleted else None,
            changes=changed_facts(case.facts, facts_of(account)) if is_open else [],
            codes=failing_codes(account, self._policy),
            # A note has the version that it found: a release stands before what the policy then made of the case.
            history=sorted(await history_of(tx, case.registration_id), key=lambda line: line.version),
            claimer=case.claimer(tx.now),
            may_act=reviewer(person).may_act_for(case.claimer(tx.now)),
            is_open=is_open,
            overdue=is_open and case.due_at is not None and case.due_at <= tx.now,
            refusal=refusal,
            typed=typed,
            problems=dict(typed.problems),
        )


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
