"""What approver takes back from its own events once its database has been set back: decisions, and reminders told.
Claims are told to nobody, so they are lost."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from uuid import UUID

from services.approver import domain, store
from services.approver.domain import Case, Decided, Rules, Status
from services.approver.policy import Decision
from shared.database import Transaction
from shared.eligibility import Account, CurrentCustomers
from shared.events import CustomerConfirmed, ReviewDue, VngApproved, VngRejected
from shared.history import moved
from shared.messaging.remembering import Memory, Told
from shared.stores import lock_accounts


def remember(
    confirmed: Mapping[UUID, CustomerConfirmed],
    due: Iterable[ReviewDue],
    decisions: Iterable[Decision],
    known: Mapping[UUID, Case],
    accounts: Mapping[str, Account],
    rules: Rules,
) -> Decided:
    """The cases as these events say. What is known is kept, and nothing is told."""
    decided = Decided()
    by_nobody = replace(rules, policy=CurrentCustomers.REVIEW)

    def case_of(registration_id: UUID) -> Case | None:
        if case := decided.now_known(registration_id, known):
            return case
        if event := confirmed.get(registration_id):
            opened = domain.open_cases([event], {}, accounts, by_nobody, event.confirmed_at)
            decided.new.update(opened.new)
            decided.history += opened.history
        return decided.new.get(registration_id)

    for event in due:
        case = case_of(event.registration_id)
        if case and case.status is Status.OPEN and not case.due_told_at:
            after = case._replace(due_told_at=event.due_at, version=case.version + 1)
            decided.put(after)
            decided.history.append(moved(case, after, ReviewDue.type(), "approver", event.due_at))
    for decision in decisions:
        case = case_of(decision.registration_id)
        if case and case.status is Status.OPEN:
            at = decision.approved_at if isinstance(decision, VngApproved) else decision.rejected_at
            domain.settle(case, case, type(decision), decision, at, decided)
    decided.told = []
    return decided


async def take_back(told: Told, tx: Transaction, *, rules: Rules) -> int:
    due = told.of(ReviewDue)
    decisions: list[Decision] = [*told.of(VngApproved), *told.of(VngRejected)]
    confirmed = {event.registration_id: event for event in told.of(CustomerConfirmed)}
    ids = {event.registration_id for event in (*due, *decisions)}
    emails = {confirmed[it].customer_email for it in ids & confirmed.keys()}
    accounts = await lock_accounts(tx, emails)
    known = await store.lock(tx, ids)
    decided = remember(confirmed, due, decisions, known, accounts, rules)
    await store.save(tx, decided)
    return len(decided.new) + len(decided.changed)


def memory(rules: Rules) -> Memory:
    return Memory((CustomerConfirmed, ReviewDue, VngApproved, VngRejected), partial(take_back, rules=rules))
