"""The pages of VNG's staff: the queue, one case with its facts, and what is posted there."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.approver.domain import Rules
from services.approver.pages.case import CasePage
from services.approver.pages.decisions import DecisionPages
from services.approver.pages.queue import QueuePage
from shared.database import Database
from shared.web.sign_in import PersonalEndpoint, SignIn
from shared.web.templating import Pages

ROLES = frozenset({"vng-reviewer", "vng-admin"})


def routes(
    pages: Pages, sign_in: SignIn, database: Database, rules: Rules, caught_up: Callable[[], bool]
) -> list[BaseRoute]:
    """`caught_up`: whether the account facts that were there at start have been read; before, nothing is decided."""
    case = CasePage(pages, database, rules.policy)
    decisions = DecisionPages(case, database, rules, caught_up)
    address = "/cases/{registration_id}"

    def staff(path: str, endpoint: PersonalEndpoint, method: str = "GET") -> Route:
        return Route(path, sign_in.required(endpoint, roles=ROLES), methods=[method])

    return [
        Route("/", _to_cases),
        staff("/cases", QueuePage(pages, database).show),
        staff(address, case.show),
        staff(f"{address}/claim", decisions.claim, "POST"),
        staff(f"{address}/release", decisions.release, "POST"),
        staff(f"{address}/approve", decisions.approve, "POST"),
        staff(f"{address}/reject", decisions.reject, "POST"),
    ]


async def _to_cases(_request: Request) -> Response:
    return RedirectResponse("/cases", 303)
