"""Sign-in by OpenID Connect: code flow with PKCE, claims from the id token. The provider is asked for its
addresses when first needed, and again after a failure: a service starts, and answers health checks,
without it. A sign-in that failed is counted as a bad try; one that succeeds never asks how many there were."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shared.clock import Clock, system_clock
from shared.settings import SignInSettings
from shared.web.claims import UnusableClaim, person_from
from shared.web.person import SESSION_LASTS, Person, PersonOfSession, sign_in_person, signed_in
from shared.web.site import same_site_path
from shared.web.templating import Pages
from shared.web.tries import BadTry

Endpoint = Callable[[Request], Awaitable[Response]]
PersonalEndpoint = Callable[[Request, Person], Awaitable[Response]]

_log = logging.getLogger(__name__)
_PROVIDER_TIMEOUT = 5.0  # seconds
MOST_FIELDS = 2_000


class SignIn:
    """`for_partners`: everybody who signs in must belong to a partner."""

    def __init__(
        self,
        settings: SignInSettings,
        pages: Pages,
        bad_try: BadTry,
        *,
        for_partners: bool,
        clock: Clock = system_clock,
    ) -> None:
        self._settings = settings
        self._pages = pages
        self._bad_try = bad_try
        self._for_partners = for_partners
        self._clock = clock
        self._provider = OAuth().register(
            "openid",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "timeout": _PROVIDER_TIMEOUT,
            },
        )

    def required(self, endpoint: PersonalEndpoint, *, roles: Collection[str]) -> Endpoint:
        """For people with one of the roles. Not signed in: GET signs in and comes back, except where a script asked,
        which no other site answers; others are a 401, with what was posted kept on its page."""

        async def guarded(request: Request) -> Response:
            person = signed_in(request)
            if person is None and request.method in {"GET", "HEAD"} and not _asked_by_a_script(request):
                path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse(_sign_in_path(path), 303)
            if person is None:
                return await self._session_over(request)
            if not person.has_one_of(roles):
                return self._pages.error(request, 403, reason="role")
            return await endpoint(request, person)

        return guarded

    def routes(self) -> list[Route]:
        return [
            Route("/auth/sign-in", self._begin),
            Route("/auth/callback", self._finish),
            Route("/auth/sign-out", self._sign_out, methods=["POST"]),
            Route("/auth/signed-out", self._signed_out),
            Route("/auth/signed-in", self._signed_in),
        ]

    def middleware(self) -> list[Middleware]:
        site = self._pages.site
        return [
            Middleware(
                SessionMiddleware,
                secret_key=session_key(self._settings, site.service),
                session_cookie=site.cookie_name(),
                max_age=int(SESSION_LASTS.total_seconds()),
                same_site="lax",
                https_only=site.https,
            ),
            Middleware(PersonOfSession, self._clock),
        ]

    async def _begin(self, request: Request) -> Response:
        request.session["next"] = same_site_path(request.query_params.get("next", "/"))
        callback = f"{self._pages.site.public_url}/auth/callback"
        try:
            answer: Response = await self._provider.authorize_redirect(request, callback)
        except (httpx2.HTTPError, ValueError, RuntimeError) as error:
            return self._problem(request, 503, "unavailable", error)
        return answer

    async def _finish(self, request: Request) -> Response:
        next_path = request.session.get("next", "/")
        try:
            token: dict[str, Any] = await self._provider.authorize_access_token(request)
            person = person_from(token["userinfo"], self._settings, for_partners=self._for_partners)
        except UnusableClaim as unusable:
            return self._problem(request, 403, "claim", unusable, claim=unusable.claim)
        except httpx2.HTTPError as error:
            return self._problem(request, 503, "unavailable", error)
        except (AuthlibBaseError, JoseError, KeyError, ValueError, RuntimeError) as error:
            await self._bad_try(request)
            return self._problem(request, 400, "failed", error)
        sign_in_person(request.session, person, self._clock)
        return RedirectResponse(next_path, 303)

    async def _sign_out(self, request: Request) -> Response:
        request.session.clear()
        return RedirectResponse("/auth/signed-out", 303)

    async def _signed_out(self, request: Request) -> Response:
        return self._pages.answer(request, "signed_out.html")

    async def _signed_in(self, request: Request) -> Response:
        return self._pages.answer(request, "signed_in.html")

    async def _session_over(self, request: Request) -> Response:
        """Nobody types twice because a session ended meanwhile: the page holds the form, to be sent after sign-in."""
        try:
            async with request.form(max_fields=MOST_FIELDS) as form:
                sent = form.multi_items()
        except HTTPException:  # not a form, or one that no page of ours has
            sent = []
        return self._pages.answer(
            request,
            "session_over.html",
            status=401,
            fields=[(name, value) for name, value in sent if isinstance(value, str) and name != "form_token"],
            file_lost=any(isinstance(value, UploadFile) and value.filename for _, value in sent),
            action=request.url.path,
        )

    def _problem(self, request: Request, status: int, problem: str, error: Exception, *, claim: str = "") -> Response:
        # The error's text may repeat a code or a token that the provider was sent: only its kind is logged.
        kind = getattr(error, "error", None) or type(error).__name__
        _log.warning("sign-in %s: %s %s", problem, kind, claim)
        return self._pages.answer(
            request,
            "sign_in_problem.html",
            status=status,
            problem=problem,
            claim=claim,
            try_again=_sign_in_path(request.session.get("next", "/")),
        )


def session_key(settings: SignInSettings, service: str) -> str:
    """Nothing that the provider or another service signs with the same secret is a session here."""
    secret = settings.oidc_client_secret.get_secret_value().encode()
    return hmac.digest(secret, f"session {service}".encode(), "sha256").hex()


def _asked_by_a_script(request: Request) -> bool:
    return "hx-request" in request.headers or "text/event-stream" in request.headers.get("accept", "")


def _sign_in_path(next_path: str) -> str:
    return f"/auth/sign-in?{urlencode({'next': next_path})}"
