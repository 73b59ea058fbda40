"""A person from the claims of an id token. What events later carry (email, partner) is checked here by the
events' own rules, so that nobody signs in as somebody whose requests could not be published."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.events import Email, Key, Name
from shared.settings import SignInSettings
from shared.web.languages import known_locale
from shared.web.person import Person

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_KEY: TypeAdapter[str] = TypeAdapter(Key)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


class UnusableClaim(Exception):  # an error is named by its fact
    """The claim is missing, or what it says breaks the events' rules."""

    def __init__(self, claim: str) -> None:
        super().__init__(claim)
        self.claim = claim


def person_from(claims: Mapping[str, Any], settings: SignInSettings, *, for_partners: bool) -> Person:
    """Raises UnusableClaim. Partner claims are read only where `for_partners`."""
    email = _text(claims, "email", _EMAIL)
    partner_claim, name_claim = settings.oidc_partner_claim, settings.oidc_partner_name_claim
    return Person(
        email=email,
        name=_text(claims, "name", _NAME) if claims.get("name") else email,
        partner_id=_text(claims, partner_claim, _KEY) if for_partners else None,
        partner_name=_text(claims, name_claim, _NAME) if for_partners else None,
        roles=_roles(claims.get(settings.oidc_roles_claim)),
        locale=known_locale(claims.get("locale")),
    )


def _text(claims: Mapping[str, Any], claim: str, kind: TypeAdapter[str]) -> str:
    try:
        return kind.validate_python(claims.get(claim))
    except ValidationError:
        raise UnusableClaim(claim) from None


def _roles(claim: object) -> frozenset[str]:
    """Providers send a list, or one role as a text."""
    found = claim if isinstance(claim, list) else [claim]
    return frozenset(role for role in found if isinstance(role, str))
