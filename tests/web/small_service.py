"""A small service built from `shared.web`, and the people who sign in to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from oidc_provider_mock import User
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from shared.events import Locale
from shared.settings import SignInSettings
from shared.web.person import Person
from shared.web.sign_in import SignIn
from shared.web.templating import Pages

LOOPBACK = "http://localhost:8003"
HTTPS = "https://portal.example.com"

PARTNER = User(
    sub="an",
    claims={
        "email": "An@Partner.example",
        "name": "Nguyễn An <script>alert(1)</script>",
        "partner_id": "p-1",
        "partner_name": "Đối tác & Co",
        "roles": ["partner"],
        "locale": "vi-VN",
    },
)
REVIEWER = User(sub="binh", claims={**PARTNER.claims, "email": "binh@vng.example", "roles": ["vng-reviewer"]})
HOMELESS = User(sub="chi", claims={"email": "chi@partner.example", "roles": ["partner"]})


@dataclass
class MovableClock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, duration: timedelta) -> None:
        self.now += duration


OpenSite = Callable[..., TestClient]
"""Opens a browser at a fresh service; see the fixture `open_site`."""

SignInAs = Callable[..., httpx2.Response]
"""Signs a browser in; see the fixture `sign_in_as`."""


Vietnamese = Mapping[str | tuple[str, str], str | tuple[str]]
"""By the English sentence, or both its numbers."""


def write_catalogue(folder: Path, vietnamese: Vietnamese) -> None:
    catalogue = Catalog("vi")
    for sentence, translated in vietnamese.items():
        catalogue.add(sentence, translated)
    path = folder / "locales" / "vi" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue)


def settings(public_url: str, issuer: str) -> SignInSettings:
    return SignInSettings(
        public_url=public_url,
        oidc_issuer=issuer,
        oidc_client_id="portal",
        oidc_client_secret=SecretStr("a secret of the client"),
    )


async def uncounted(_request: Request) -> None:
    """A bad try, where nobody counts them."""


def open_routes(pages: Pages) -> list[Route]:
    async def change(request: Request) -> Response:
        async with request.form() as form:
            return PlainTextResponse(f"changed {form.get('name')}")

    async def page(request: Request) -> Response:
        hint = request.query_params.get("hint")
        return pages.answer(request, "page.html", hint=Locale(hint) if hint else None)

    async def broken(_request: Request) -> Response:
        raise RuntimeError("the secret inside of things")

    async def away(_request: Request) -> Response:
        raise ConnectionRefusedError("the database at 10.0.0.7")

    async def refused(request: Request) -> Response:
        raise HTTPException(request.path_params["status"])

    return [
        Route("/page", page),
        Route("/change", change, methods=["POST"]),
        Route("/broken", broken),
        Route("/away", away),
        Route("/refused/{status:int}", refused),
    ]


def guarded_routes(pages: Pages, sign_in: SignIn) -> list[Route]:
    async def show_accounts(request: Request, person: Person) -> Response:
        return pages.answer(request, "accounts.html", who=person)

    async def add_accounts(_request: Request, person: Person) -> Response:
        return PlainTextResponse(f"added by {person.email} of {person.partner_id}")

    roles = {"partner"}
    return [
        Route("/accounts", sign_in.required(show_accounts, roles=roles)),
        Route("/accounts", sign_in.required(add_accounts, roles=roles), methods=["POST"]),
    ]


ACCOUNTS = """{% extends "base.html" %}{% block main %}
<p id="who">{{ who.name }} {{ who.email }} {{ who.partner_name }}</p>
<form method="post">{{ form_token }}</form>
{% endblock %}"""
