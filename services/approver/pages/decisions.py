"""What is posted to a case: claim, release, approve, reject. What is typed and not taken is kept for another try."""

from datetime import datetime
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.approver import claims, reviews, store
from services.approver.deciding import Decide, Deciding, Wish
from services.approver.domain import Case, Decided, Rules
from services.approver.facts import facts_of
from services.approver.pages.asked import asked_for, id_in, reviewer
from services.approver.pages.case import CasePage
from services.approver.pages.form import Typed, typed_in
from services.approver.pages.news import mark
from services.approver.policy import failing_codes
from services.approver.refusals import ConditionsChanged, Refusal
from shared.database import Database, Transaction
from shared.eligibility import Account
from shared.events import VngApproved, VngRejected
from shared.web import live
from shared.web.person import Person


class DecisionPages:
    def __init__(self, page: CasePage, database: Database, rules: Rules, deciding: Deciding) -> None:
        self._page = page
        self._database = database
        self._rules = rules
        self._deciding = deciding

    async def claim(self, request: Request, person: Person) -> Response:
        """What was typed before somebody thought of the claim is still there after it."""
        typed = await typed_in(request)
        async with self._database.transaction() as tx:
            case, _account = await _locked(tx, request)
            claimed = claims.claim(case, reviewer(person), self._rules.claim_for, tx.now)
            if not isinstance(claimed, Decided):
                return await self._page.answer(request, tx, case, person, refusal=claimed, typed=typed)
            saved = await _save(tx, case, claimed)
            if not typed.anything:
                return saved
            case = claimed.changed[case.registration_id]
            return await self._page.answer(request, tx, case, person, typed=typed)

    async def release(self, request: Request, person: Person) -> Response:
        typed = await typed_in(request)
        async with self._database.transaction() as tx:
            case, account = await _locked(tx, request)
            released = self._deciding.too_early() or claims.release(
                case, account, reviewer(person), self._rules.policy, tx.now
            )
            if isinstance(released, Decided):
                saved = await _save(tx, case, released)
                if not typed.anything:
                    return saved
                case = released.changed.get(case.registration_id, case)
                return await self._page.answer(request, tx, case, person, typed=typed)
            return await self._page.answer(request, tx, case, person, refusal=released, typed=typed)

    async def approve(self, request: Request, person: Person) -> Response:
        typed = await typed_in(request, "note", "override_reason")

        def decide(case: Case, account: Account | None, now: datetime) -> VngApproved | Refusal:
            codes = failing_codes(account, self._rules.policy)
            if typed.seen_facts not in (None, mark(facts_of(account))):
                return ConditionsChanged(codes)
            note, override_reason = typed.note or None, typed.override_reason or None
            return reviews.approve(case, codes, reviewer(person), note, override_reason, now, typed.seen_codes)

        return await self._decide(request, person, typed, decide)

    async def reject(self, request: Request, person: Person) -> Response:
        typed = await typed_in(request, "reason", required="reason")

        def decide(case: Case, _account: Account | None, now: datetime) -> VngRejected | Refusal:
            return reviews.reject(case, reviewer(person), typed.reason, now)

        return await self._decide(request, person, typed, decide)

    async def _decide(self, request: Request, person: Person, typed: Typed, decide: Decide) -> Response:
        if typed.problems:
            return await self._refuse(request, person, typed, None)
        outcome = await self._deciding.decide(Wish(_id_in(request), reviewer(person), decide))
        if outcome is None:
            raise HTTPException(404)
        if outcome.refusal:
            return await self._refuse(request, person, typed, outcome.refusal)
        return _to_its_page(outcome.case)

    async def _refuse(self, request: Request, person: Person, typed: Typed, refusal: Refusal | None) -> Response:
        """The case as it is now. Where it cannot be decided at all, that matters more than what was typed."""
        since = live.now()
        async with self._database.reading() as tx:
            case = await asked_for(tx, request)
            refusal = refusal or reviews.may_not_decide(case, reviewer(person), tx.now) or self._deciding.too_early()
            return await self._page.answer(request, tx, case, person, refusal=refusal, typed=typed, since=since)


async def _save(tx: Transaction, case: Case, decided: Decided) -> Response:
    await store.save(tx, decided)
    return _to_its_page(case)


def _to_its_page(case: Case) -> Response:
    return RedirectResponse(f"/cases/{case.registration_id}", 303)


async def _locked(tx: Transaction, request: Request) -> tuple[Case, Account | None]:
    """Raises HTTPException 404."""
    cases, accounts = await store.lock_with_accounts(tx, [_id_in(request)])
    for case in cases.values():
        return case, accounts.get(case.customer_email)
    raise HTTPException(404)


def _id_in(request: Request) -> UUID:
    """Raises HTTPException 404."""
    if registration_id := id_in(request):
        return registration_id
    raise HTTPException(404)
