"""Joins the parts of a service's web side. Outermost first: security headers, unexpected errors, body rule, session,
origin rule, expected errors, routes. There is no way to add a route that the headers and the rules do not guard."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from shared.messaging.faults import LOST_RACES, PASSING, in_words, is_passing
from shared.web.health import Check, Numbers, health_routes
from shared.web.languages import language_route
from shared.web.security import BodyRule, OriginRule, SecurityHeaders
from shared.web.static_files import static_files
from shared.web.templating import Pages

if TYPE_CHECKING:  # dear to load, and notifier has none
    from shared.web.sign_in import SignIn

log = structlog.get_logger()


def create_web_app(
    *,
    pages: Pages,
    routes: Sequence[BaseRoute],
    checks: Mapping[str, Check],
    numbers: Numbers,
    sign_in: "SignIn | None" = None,
) -> ASGIApp:
    """`sign_in` is None for a service whose pages ask for no account; it has no session at all."""

    async def expected(request: Request, error: Any) -> Response:  # an HTTPException, by the table below
        return pages.error(request, error.status_code, headers=error.headers)

    async def passing(request: Request, error: Exception) -> Response:
        """A database that is away, for one: one line for the operator, where `unexpected` leaves a traceback."""
        if not is_passing(error, LOST_RACES):
            raise error
        log.warning("a page cannot be answered now", why=in_words(error))  # no address: links hold secrets
        return pages.error(request, 503, headers={"Retry-After": "10"})

    async def unexpected(request: Request, _error: Exception) -> Response:
        return pages.error(request, 500)

    app = Starlette(
        routes=[
            *routes,
            *(sign_in.routes() if sign_in else []),
            language_route(pages.site),
            static_files(),
            *health_routes(checks, numbers),
        ],
        middleware=[
            Middleware(BodyRule, pages),
            *(sign_in.middleware() if sign_in else []),
            Middleware(OriginRule, pages),
        ],
        exception_handlers={HTTPException: expected, **dict.fromkeys(PASSING, passing), Exception: unexpected},
    )
    app.router.redirect_slashes = False  # such a redirect would name the host that the request claims
    return SecurityHeaders(app, pages.site)
