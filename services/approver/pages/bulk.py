"""Many cases approved at once: each as if approved on its own page, and no condition is overridden.

One that does not go through stops no other. Posting the same again approves nothing twice.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from services.approver import reviews
from services.approver.claims import Reviewer
from services.approver.deciding import Deciding, Wish
from services.approver.domain import Case, Rules, Status
from services.approver.pages.asked import reviewer
from services.approver.pages.asked_queue import asked_at
from services.approver.pages.form import typed_in
from services.approver.pages.queue import QueuePage, seen_mark
from services.approver.policy import failing_codes
from services.approver.queue_statements import PAGE
from services.approver.refusals import CaseAlreadyDecided, ConditionsChanged, FactsNotYetRead, Refusal
from shared.eligibility import Account
from shared.events import VngApproved
from shared.messaging.faults import in_words, is_passing
from shared.web.person import Person
from shared.web.sign_in import MOST_FIELDS
from shared.web.templating import Pages

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case. Without an `account` there is no such case, or it failed; without a `refusal` it is
    approved."""

    registration_id: str
    account: str | None = None
    refusal: Refusal | None = None
    before: bool = False
    """The same person had approved it already."""
    failed: bool = False
    """The database did not let it through this time."""

    @property
    def to_send_again(self) -> bool:
        return self.failed or isinstance(self.refusal, FactsNotYetRead)

    @property
    def approved(self) -> bool:
        return self.account is not None and self.refusal is None and not self.before


class BulkPage:
    def __init__(self, pages: Pages, queue: QueuePage, rules: Rules, deciding: Deciding) -> None:
        self._pages = pages
        self._queue = queue
        self._rules = rules
        self._deciding = deciding

    async def approve(self, request: Request, person: Person) -> Response:
        async with request.form(max_fields=MOST_FIELDS) as form:
            chosen = list(dict.fromkeys(str(it) for it in form.getlist("registration_id")))
            asked = asked_at(str(form.get("back") or ""))
            unasked = "unasked" in form
            seen = dict(str(it).split(":", 1) for it in form.getlist("seen") if ":" in str(it))
        typed = await typed_in(request, "note")
        if problem := _problem(chosen, unasked=unasked) or dict(typed.problems).get("note"):
            return await self._queue.answer(
                request, person, asked, problem=problem, note=typed.note, chosen=chosen, marks=seen
            )
        by, note = reviewer(person), typed.note or None
        results = await asyncio.gather(*(self._try(it, by, note, seen.get(it)) for it in chosen))
        early = [it for it in results if it.to_send_again]
        return self._pages.answer(
            request,
            "bulk.html",
            status=503 if early else 200,
            headers={"Retry-After": "5"} if early else None,
            asked=asked,
            note=typed.note,
            early=early,
            seen=seen,
            results=results,
        )

    async def _try(self, registration_id: str, person: Reviewer, note: str | None, seen: str | None) -> Result:
        """Failed where the database fails and a later try may go through."""
        try:
            return await self._approve(registration_id, person, note, seen)
        except Exception as error:
            if not is_passing(error, tries=1):
                raise
            log.warning("did not approve one of many", registration_id=registration_id, why=in_words(error))
            return Result(registration_id, failed=True)

    async def _approve(self, registration_id: str, person: Reviewer, note: str | None, seen: str | None) -> Result:
        """`seen` is the mark of what the list showed of it; None: the form does not say."""
        try:
            uuid = UUID(registration_id)
        except ValueError:
            return Result(registration_id)

        def decide(case: Case, account: Account | None, now: datetime) -> VngApproved | Refusal:
            codes = failing_codes(account, self._rules.policy)
            if seen not in (None, seen_mark(account, case.claimer(now))):
                return ConditionsChanged(codes)
            return reviews.approve(case, codes, person, note, None, now)

        outcome = await self._deciding.decide(Wish(uuid, person, decide))
        if outcome is None:
            return Result(registration_id)
        if _approved_by(outcome.refusal, person):
            return Result(registration_id, outcome.case.customer_email, before=True)
        return Result(registration_id, outcome.case.customer_email, outcome.refusal)


def _problem(chosen: list[str], *, unasked: bool) -> str | None:
    if unasked:
        return "unasked"
    if not chosen:
        return "none_chosen"
    return "too_many" if len(chosen) > PAGE else None


def _approved_by(refusal: Refusal | None, person: Reviewer) -> bool:
    return isinstance(refusal, CaseAlreadyDecided) and refusal.status is Status.APPROVED and refusal.by == person.email
