"""The pages of the portal, for people of a partner only; each partner sees its own registrations only."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.portal.pages.accounts import AccountPages
from services.portal.pages.add import AddPage
from services.portal.pages.changes import ChangePages
from services.portal.pages.export import ExportPages
from services.portal.pages.registration import RegistrationPage
from shared.database import Database
from shared.web.live import Changes
from shared.web.sign_in import SignIn
from shared.web.templating import Pages

ROLES = frozenset({"partner"})


def routes(pages: Pages, sign_in: SignIn, database: Database, watched: Changes) -> list[BaseRoute]:
    accounts = AccountPages(pages, database, watched)
    export = ExportPages(pages, database)
    add = AddPage(pages, database)
    one = RegistrationPage(pages, database)
    changes = ChangePages(pages, database)
    address = "/accounts/{registration_id}"
    return [
        Route("/", _to_accounts),
        Route("/accounts", sign_in.required(accounts.show_all, roles=ROLES)),
        Route("/accounts", sign_in.required(add.submit, roles=ROLES), methods=["POST"]),
        Route("/accounts/add", sign_in.required(add.show, roles=ROLES)),
        Route("/accounts/changes", sign_in.required(accounts.changes, roles=ROLES)),
        Route("/accounts/export.csv", sign_in.required(export.csv, roles=ROLES)),
        Route("/accounts/export.xlsx", sign_in.required(export.xlsx, roles=ROLES)),
        Route(address, sign_in.required(one.show, roles=ROLES)),
        Route(f"{address}/resend", sign_in.required(changes.resend, roles=ROLES), methods=["POST"]),
        Route(f"{address}/withdraw", sign_in.required(changes.withdraw, roles=ROLES), methods=["POST"]),
    ]


async def _to_accounts(_request: Request) -> Response:
    return RedirectResponse("/accounts", 303)
