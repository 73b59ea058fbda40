"""What the OpenID provider promises: the code flow with PKCE, and each person's claims in the ID token."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet

from embedded import Servers
from embedded.openid import PEOPLE

RETURN_TO = "http://127.0.0.1:9/auth/callback"


async def sign_in(browser: httpx.AsyncClient, person: str, challenge: str) -> str:
    """Choose `person` on the sign-in page; the code that the browser brings back."""
    asked = {
        "response_type": "code",
        "client_id": "registration",
        "redirect_uri": RETURN_TO,
        "scope": "openid email profile",
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page = await browser.get("/oauth2/authorize", params=asked)
    assert person in page.text
    answer = await browser.post("/oauth2/authorize", params=asked, data={"sub": person})
    returned = parse_qs(urlsplit(answer.headers["location"]).query)
    assert returned["state"] == ["s"]
    return returned["code"][0]


async def redeem(browser: httpx.AsyncClient, code: str, verifier: str) -> httpx.Response:
    return await browser.post(
        "/oauth2/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": RETURN_TO,
            "code_verifier": verifier,
        },
        auth=("registration", "any-secret-is-accepted"),
    )


async def test_discovery_names_the_issuer(running: Servers) -> None:
    async with httpx.AsyncClient() as browser:
        found = (await browser.get(f"{running.oidc_issuer}/.well-known/openid-configuration")).json()
    assert found["issuer"] == running.oidc_issuer
    assert found["token_endpoint"].startswith(running.oidc_issuer)


@pytest.mark.parametrize("person", PEOPLE)
async def test_the_id_token_carries_the_persons_claims(running: Servers, person: str) -> None:
    verifier = generate_token(48)
    async with httpx.AsyncClient(base_url=running.oidc_issuer) as browser:
        code = await sign_in(browser, person, create_s256_code_challenge(verifier))
        token = (await redeem(browser, code, verifier)).json()["id_token"]
        keys = KeySet.import_key_set((await browser.get("/jwks")).json())
    claims = jwt.decode(token, keys).claims
    assert claims.items() >= {"iss": running.oidc_issuer, "sub": person, "nonce": "n", **PEOPLE[person]}.items()


async def test_who_finds_it_under_another_name_signs_in_there(running: Servers) -> None:
    """As browsers and containers of docker-compose.yml do, by http at another name than `localhost`."""
    verifier, name = generate_token(48), "openid.localhost:8004"
    async with httpx.AsyncClient(base_url=running.oidc_issuer, headers={"Host": name}) as browser:
        code = await sign_in(browser, next(iter(PEOPLE)), create_s256_code_challenge(verifier))
        token = (await redeem(browser, code, verifier)).json()["id_token"]
        keys = KeySet.import_key_set((await browser.get("/jwks")).json())
    assert jwt.decode(token, keys).claims["iss"] == f"http://{name}"


async def test_a_code_is_not_redeemed_without_its_proof(running: Servers) -> None:
    async with httpx.AsyncClient(base_url=running.oidc_issuer) as browser:
        challenge = create_s256_code_challenge(generate_token(48))
        code = await sign_in(browser, next(iter(PEOPLE)), challenge)
        answer = await redeem(browser, code, generate_token(48))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
