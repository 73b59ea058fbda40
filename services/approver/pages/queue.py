"""The open cases, those that are due longest or soonest first."""

from starlette.requests import Request
from starlette.responses import Response

from services.approver import store
from services.approver.facts import changed_facts
from shared.database import Database
from shared.web.person import Person
from shared.web.templating import Pages

MOST_SHOWN = 200


class QueuePage:
    def __init__(self, pages: Pages, database: Database) -> None:
        self._pages = pages
        self._database = database

    async def show(self, request: Request, _person: Person) -> Response:
        async with self._database.transaction() as tx:
            cases = await store.due_first(tx, MOST_SHOWN)
            facts = await store.facts_now(tx, [case.customer_email for case in cases])
        changed = {it.registration_id for it in cases if changed_facts(it.facts, facts.get(it.customer_email))}
        return self._pages.answer(request, "cases.html", cases=cases, changed=changed, now=tx.now, most=MOST_SHOWN)
