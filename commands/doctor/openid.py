"""The OpenID provider: what it says of itself, and its keys."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from commands.doctor import clocks
from commands.doctor.findings import Finding, loaded, ok, unseen, within_limit, wrong
from shared.messaging.faults import in_words
from shared.settings import OpenidSettings

WHAT = "OpenID"
ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
A_SECOND = timedelta(seconds=1)  # to which HTTP's Date is exact


class Unusable(Exception):
    """What the provider answered cannot be used; the message ends a finding."""


async def examine() -> list[Finding]:
    settings = loaded(OpenidSettings)
    if settings is None:
        return [unseen(WHAT, "OIDC_ISSUER is missing or wrong")]
    try:
        return await within_limit(_provider(settings.oidc_issuer))
    except Unusable as problem:
        return [wrong(WHAT, str(problem))]
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
        return [
            wrong(
                WHAT,
                f"{settings.oidc_issuer} does not answer: {in_words(error)}; expected a provider that this machine "
                f"reaches; check OIDC_ISSUER",
            )
        ]


async def _provider(issuer: str) -> list[Finding]:
    async with httpx2.AsyncClient(timeout=5, follow_redirects=False) as client:
        asked = datetime.now(UTC)
        answer = await client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        answered = datetime.now(UTC)
        about = _json(answer, "OIDC_ISSUER")
        _refuse_other_issuer(about, issuer)
        keys = _json(await client.get(str(about["jwks_uri"])), "the provider").get("keys")
    if not keys:
        raise Unusable(
            f"{about['jwks_uri']} has no keys; expected those that id tokens are signed with; check the provider"
        )
    findings = [ok(WHAT, f"{issuer} answers as that issuer, with {len(keys)} keys")]
    if date := answer.headers.get("date"):
        theirs = parsedate_to_datetime(date)
        findings.append(clocks.compare("the OpenID provider", theirs, asked, answered, exact_to=A_SECOND))
    return findings


def _json(answer: httpx2.Response, check: str) -> dict[str, Any]:
    try:
        found = answer.json() if answer.status_code == httpx2.codes.OK else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unusable(
            f"{answer.url} answered {answer.status_code} without JSON; expected its description; check {check}"
        )
    return found


def _refuse_other_issuer(about: dict[str, Any], issuer: str) -> None:
    if (said := about.get("issuer")) != issuer:
        raise Unusable(f"calls itself {said!r}; expected the same as OIDC_ISSUER, {issuer!r}, to the letter; set that")
    if missing := [name for name in ADDRESSES if not about.get(name)]:
        raise Unusable(
            f"does not say its {', '.join(missing)}; expected a provider with the code flow; check OIDC_ISSUER"
        )
