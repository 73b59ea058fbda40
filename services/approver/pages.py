"""The queue of VNG's staff: open cases, oldest first; one case with its facts; claim, approve, reject.

Each decision is made under the locks of the account and the case, so the facts it is made on are the newest, and of two
people who decide at once one is told who was first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.approver import domain, store
from services.approver.domain import Case, NoLongerEligible, Refusal, Reviewer, Status
from shared.database import Database, Transaction
from shared.eligibility import Account, CurrentCustomers
from shared.events import Reason, VngApproved, VngRejected
from shared.stores import find_account, history_of, lock_accounts
from shared.web.person import Person
from shared.web.sign_in import PersonalEndpoint, SignIn
from shared.web.templating import Pages

ROLES = {"vng-reviewer", "vng-admin"}
MOST_SHOWN = 200

_REASON: TypeAdapter[str] = TypeAdapter(Reason)


@dataclass(frozen=True, slots=True)
class Rules:
    """`caught_up`: whether the account facts that were there at start have been read; before, nothing is decided."""

    policy: CurrentCustomers
    claim_for: timedelta
    caught_up: Callable[[], bool]


def routes(pages: Pages, sign_in: SignIn, database: Database, rules: Rules) -> list[BaseRoute]:
    queue = QueuePages(pages, database, rules)
    address = "/cases/{registration_id}"

    def staff(path: str, endpoint: PersonalEndpoint, method: str = "GET") -> Route:
        return Route(path, sign_in.required(endpoint, roles=ROLES), methods=[method])

    return [
        Route("/", lambda _request: RedirectResponse("/cases", 303)),
        staff("/cases", queue.show_open),
        staff(address, queue.show),
        staff(f"{address}/claim", queue.claim, "POST"),
        staff(f"{address}/approve", queue.approve, "POST"),
        staff(f"{address}/reject", queue.reject, "POST"),
    ]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a reviewer typed, and what is wrong with which field."""

    note: str = ""
    override_reason: str = ""
    reason: str = ""
    problems: tuple[tuple[str, str], ...] = ()


class QueuePages:
    def __init__(self, pages: Pages, database: Database, rules: Rules) -> None:
        self._pages = pages
        self._database = database
        self._rules = rules

    async def show_open(self, request: Request, _person: Person) -> Response:
        async with self._database.transaction() as tx:
            cases = await store.oldest_open(tx, MOST_SHOWN)
        return self._pages.answer(request, "cases.html", cases=cases, now=self._database.clock(), most=MOST_SHOWN)

    async def show(self, request: Request, person: Person) -> Response:
        async with self._database.transaction() as tx:
            case = await self._case(tx, request)
            return await self._page(request, tx, case, person)

    async def claim(self, request: Request, person: Person) -> Response:
        async with self._database.transaction() as tx:
            case, _account = await self._locked(tx, request)
            claimed = domain.claim(case, _reviewer(person), self._rules.claim_for, tx.now)
            if not isinstance(claimed, Case):
                return await self._page(request, tx, case, person, refusal=claimed)
            await store.save(tx, domain.Decided(changed={case.registration_id: claimed}))
        return _see(case)

    async def approve(self, request: Request, person: Person) -> Response:
        self._refuse_early_decisions()
        typed = await _typed(request, "note", "override_reason")
        async with self._database.transaction() as tx:
            case, account = await self._locked(tx, request)
            if typed.problems:
                return await self._page(request, tx, case, person, typed=typed)
            decision = domain.approve(
                case,
                domain.failing_codes(account, self._rules.policy),
                _reviewer(person),
                typed.note or None,
                typed.override_reason or None,
                tx.now,
            )
            return await self._settle(request, tx, case, person, decision, typed)

    async def reject(self, request: Request, person: Person) -> Response:
        self._refuse_early_decisions()
        typed = await _typed(request, "reason", required="reason")
        async with self._database.transaction() as tx:
            case, _account = await self._locked(tx, request)
            reason = typed.reason if not typed.problems else "-"
            decision = domain.reject(case, _reviewer(person), reason, tx.now)
            if typed.problems and isinstance(decision, VngRejected):
                return await self._page(request, tx, case, person, typed=typed)
            return await self._settle(request, tx, case, person, decision, typed)

    def _refuse_early_decisions(self) -> None:
        if not self._rules.caught_up():
            raise HTTPException(503, headers={"Retry-After": "5"})

    async def _settle(
        self,
        request: Request,
        tx: Transaction,
        case: Case,
        person: Person,
        decision: VngApproved | VngRejected | Refusal,
        typed: Typed,
    ) -> Response:
        if not isinstance(decision, VngApproved | VngRejected):
            return await self._page(request, tx, case, person, refusal=decision, typed=typed)
        await store.save(tx, domain.decided_by_person(case, decision, tx.now))
        return _see(case)

    async def _case(self, tx: Transaction, request: Request) -> Case:
        case = await store.get(tx, _id(request))
        if case is None:
            raise HTTPException(404)
        return case

    async def _locked(self, tx: Transaction, request: Request) -> tuple[Case, Account | None]:
        """The account, then the case: the order of all who lock both."""
        email = (await self._case(tx, request)).customer_email
        account = (await lock_accounts(tx, [email])).get(email)
        return (await store.lock(tx, [_id(request)]))[_id(request)], account

    async def _page(
        self,
        request: Request,
        tx: Transaction,
        case: Case,
        person: Person,
        *,
        refusal: Refusal | None = None,
        typed: Typed | None = None,
    ) -> Response:
        account = await find_account(tx, case.customer_email)
        typed = typed or Typed()
        return self._pages.answer(
            request,
            "case.html",
            status=_status(refusal, typed),
            case=case,
            account=account if account and not account.deleted else None,
            codes=domain.failing_codes(account, self._rules.policy),
            history=await history_of(tx, case.registration_id),
            claimer=case.claimer(tx.now),
            mine=case.claimer(tx.now) in (None, person.email) or "vng-admin" in person.roles,
            is_open=case.status is Status.OPEN,
            refusal=type(refusal).__name__ if refusal else "",
            typed=typed,
            problems=dict(typed.problems),
        )


def _status(refusal: Refusal | None, typed: Typed) -> int:
    if refusal and not isinstance(refusal, NoLongerEligible):
        return 409
    return 422 if refusal or typed.problems else 200


def _id(request: Request) -> UUID:
    """A malformed id is an unknown one."""
    try:
        return UUID(request.path_params["registration_id"])
    except ValueError:
        raise HTTPException(404) from None


def _reviewer(person: Person) -> Reviewer:
    return Reviewer(person.email, "vng-admin" in person.roles)


def _see(case: Case) -> Response:
    return RedirectResponse(f"/cases/{case.registration_id}", 303)


async def _typed(request: Request, *names: str, required: str = "") -> Typed:
    """The fields `names` as typed, trimmed; with what is wrong with them."""
    async with request.form() as form:
        values = {name: str(form.get(name) or "").replace("\r\n", "\n").strip() for name in names}
    problems = []
    for name, value in values.items():
        if not value:
            if name == required:
                problems.append((name, "missing"))
            continue
        try:
            values[name] = _REASON.validate_python(value)
        except ValidationError as refused:
            too_long = refused.errors()[0]["type"] == "string_too_long"
            problems.append((name, "too_long" if too_long else "not_text"))
    return Typed(**values, problems=tuple(problems))
