"""Who is signed in. The session cookie is signed, holds a person until a moment set at sign-in, and is
renewed by nothing but another sign-in. Everybody else reads it only through `signed_in` and `form_token`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import Clock
from shared.events import Locale

SESSION_LASTS = timedelta(hours=8)


@dataclass(frozen=True)
class Person:
    """`partner_id` and `partner_name` are None for people who work for no partner."""

    email: str
    name: str
    partner_id: str | None
    partner_name: str | None
    roles: frozenset[str]
    locale: Locale | None

    def has_one_of(self, roles: Iterable[str]) -> bool:
        return not self.roles.isdisjoint(roles)


class PersonOfSession:
    """Reads the session into the scope once a request; what has run out is removed from the browser."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            session = scope["session"]
            person = _read(session) if session.get("until", 0) > self._clock().timestamp() else None
            if person is None and "person" in session:
                session.clear()
            scope["person"] = person
        await self._app(scope, receive, send)


def signed_in(request: HTTPConnection) -> Person | None:
    person: Person | None = request.scope.get("person")
    return person


def form_token(request: HTTPConnection) -> str | None:
    """The secret that a form of a signed-in person carries; None where nobody is signed in."""
    return request.scope["session"]["form_token"] if signed_in(request) else None


def sign_in_person(session: dict[str, Any], person: Person, clock: Clock) -> None:
    """Whatever the session held before is dropped, so nothing planted before sign-in survives it."""
    session.clear()
    session["person"] = _written(person)
    session["form_token"] = token_urlsafe(16)
    session["until"] = (clock() + SESSION_LASTS).timestamp()


def _written(person: Person) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": person.name,
        "partner_id": person.partner_id,
        "partner_name": person.partner_name,
        "roles": sorted(person.roles),
        "locale": person.locale,
    }


def _read(session: dict[str, Any]) -> Person | None:
    """None where another version of this service wrote it with other fields: the person signs in again."""
    try:
        kept = session["person"]
        locale = Locale(kept["locale"]) if kept["locale"] else None
        return Person(**{**kept, "roles": frozenset(kept["roles"]), "locale": locale})
    except (KeyError, TypeError, ValueError):
        return None
