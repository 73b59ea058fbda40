"""Browsers of signed-in people at a service's real application, without a network."""

import json
from base64 import b64encode
from typing import Any

import httpx2
from itsdangerous import TimestampSigner

from shared.clock import Clock
from shared.settings import SignInSettings
from shared.web.person import Person, sign_in_person
from shared.web.sign_in import session_key
from shared.web.site import Site


def session_of(person: Person, settings: SignInSettings, service: str, clock: Clock) -> dict[str, str]:
    """The cookie that sign-in would have set."""
    session: dict[str, Any] = {}
    sign_in_person(session, person, clock)
    site = Site(service, settings.public_url)
    return {
        site.cookie_name(): TimestampSigner(session_key(settings, service))
        .sign(b64encode(json.dumps(session).encode()))
        .decode()
    }


def browser(web: Any, url: str, cookies: dict[str, str] | None = None, **headers: str) -> httpx2.AsyncClient:
    """`headers` are written with underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(web), base_url=url, cookies=cookies or {}, headers={"origin": url} | sent
    )
