"""The pages of VNG's staff: the queue, one case with its facts, the quarantine, and what is posted there."""

from collections.abc import Callable, Container
from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.approver.deciding import Deciding
from services.approver.domain import Rules
from services.approver.pages.bulk import BulkPage
from services.approver.pages.case import CasePage
from services.approver.pages.decisions import DecisionPages
from services.approver.pages.news import NewsPages
from services.approver.pages.preview import PreviewPage
from services.approver.pages.quarantine import QuarantinePage
from services.approver.pages.quarantine_record import ADMIN, QuarantineRecordPage
from services.approver.pages.queue import QueuePage
from shared.database import Database
from shared.messaging.batch import Inbox
from shared.web.live import Changes
from shared.web.person import Person
from shared.web.sign_in import PersonalEndpoint, SignIn
from shared.web.templating import Pages

ACTIONS = ("claim", "release", "approve", "reject", "preview")
ROLES = frozenset({"vng-reviewer", "vng-admin"})


def routes(
    pages: Pages,
    sign_in: SignIn,
    database: Database,
    rules: Rules,
    caught_up: Callable[[], bool],
    changes: Changes,
    holidays: Container[date],
    inbox: Inbox,
) -> list[BaseRoute]:
    """`caught_up`: whether the account facts that were there at start have been read; before, nothing is decided."""
    case = CasePage(pages, database, rules.policy, holidays)
    deciding = Deciding(database, caught_up)
    decisions = DecisionPages(case, database, rules, deciding)
    news = NewsPages(pages, database, rules.policy, changes)
    queue = QueuePage(pages, database, rules, changes, holidays)
    record = QuarantineRecordPage(pages, database, inbox, caught_up)
    address, record_address = "/cases/{registration_id}", "/quarantine/{number}"

    def staff(path: str, endpoint: PersonalEndpoint, method: str = "GET", roles: frozenset[str] = ROLES) -> Route:
        return Route(path, sign_in.required(endpoint, roles=roles), methods=[method])

    return [
        Route("/", _to_cases),
        staff("/cases", queue.show),
        staff("/cases/changes", queue.stream),
        staff("/cases/approve", BulkPage(pages, queue, rules, deciding).approve, "POST"),
        Route("/cases/approve", _to_cases),  # what the form answered, reloaded as a page
        staff(address, case.show),
        staff(f"{address}/news", news.show),
        staff(f"{address}/changes", news.stream),
        staff(f"{address}/claim", decisions.claim, "POST"),
        staff(f"{address}/release", decisions.release, "POST"),
        staff(f"{address}/approve", decisions.approve, "POST"),
        staff(f"{address}/reject", decisions.reject, "POST"),
        staff(f"{address}/preview", PreviewPage(case, database).show, "POST"),
        *(staff(f"{address}/{action}", _to_its_page) for action in ACTIONS),
        staff("/quarantine", QuarantinePage(pages, database).show),
        staff(record_address, record.show),
        staff(f"{record_address}/replay", record.replay, "POST", frozenset({ADMIN})),
        staff(f"{record_address}/discard", record.discard, "POST", frozenset({ADMIN})),
        *(staff(f"{record_address}/{action}", _to_its_page) for action in ("replay", "discard")),
    ]


async def _to_its_page(request: Request, _person: Person) -> Response:
    """What a form answered has the address of the action: reloaded as a page, it is the case, or the record."""
    return RedirectResponse(request.url.path.rpartition("/")[0], 303)


async def _to_cases(_request: Request) -> Response:
    return RedirectResponse("/cases", 303)
