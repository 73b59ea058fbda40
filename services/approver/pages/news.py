"""What has happened to a case since somebody opened its page.

The open page is told that something has, asks for the news, and shows them beside what is being typed: nothing else on
it moves. It says by `lines` how many lines of history it shows, and by `facts` which facts.
"""

from dataclasses import asdict
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from services.approver.facts import Facts, facts_of
from services.approver.pages.asked import asked_for
from services.approver.policy import failing_codes
from shared.database import Database
from shared.eligibility import CurrentCustomers
from shared.stores import find_account, history_of
from shared.web.live import Changes
from shared.web.person import Person
from shared.web.templating import Pages


def mark(facts: Facts | None) -> str:
    """The same for the same facts, and tells nothing of them."""
    return sha256(repr(facts and sorted(asdict(facts).items())).encode()).hexdigest()[:16]


class NewsPages:
    def __init__(self, pages: Pages, database: Database, policy: CurrentCustomers, changes: Changes) -> None:
        self._pages = pages
        self._database = database
        self._policy = policy
        self._changes = changes

    async def show(self, request: Request, _person: Person) -> Response:
        """A part of the page; nothing where it is still right."""
        asked = request.query_params
        async with self._database.reading() as tx:
            case = await asked_for(tx, request)
            history = await history_of(tx, case.registration_id)
            account = await find_account(tx, case.customer_email)
        shown = asked.get("lines", "")
        return self._pages.answer(
            request,
            "news.html",
            case=case,
            lines=history[int(shown) :] if shown.isascii() and shown.isdigit() and len(shown) < 5 else history,
            facts_changed=asked.get("facts") != mark(facts_of(account)),
            codes=failing_codes(account, self._policy),
            typing=asked.get("typing") == "1",
        )

    async def stream(self, request: Request, person: Person) -> Response:
        async with self._database.reading() as tx:
            case = await asked_for(tx, request)
        return self._changes.stream(request, person, str(case.registration_id))
