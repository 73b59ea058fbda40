"""Sign-in against a real OpenID provider."""

import json
import re
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from tests.web.small_service import ACCOUNTS, HTTPS, LOOPBACK, MovableClock, OpenSite, SignInAs

OURS = {"origin": LOOPBACK}


def held(browser: TestClient) -> dict[str, Any]:
    """What the session cookie holds: signed, not secret."""
    session: dict[str, Any] = json.loads(b64decode(browser.cookies["portal-8003"].split(".")[0]))
    return session


def test_a_person_signs_in_and_comes_back_to_the_page_asked_for(portal: TestClient, sign_in_as: SignInAs) -> None:
    asked = portal.get("/accounts?status=open&q=a%26b")
    assert asked.status_code == 303
    to_sign_in = httpx2.URL(asked.headers["location"])
    assert to_sign_in.path == "/auth/sign-in"
    back = sign_in_as(portal, "an", to_sign_in.params["next"])
    assert (back.status_code, back.headers["location"]) == (303, "/accounts?status=open&q=a%26b")
    assert portal.get(back.headers["location"]).status_code == 200


def test_names_from_the_provider_are_shown_as_text(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "an")
    page = portal.get("/accounts").text
    assert "Nguyễn An &lt;script&gt;alert(1)&lt;/script&gt; an@partner.example Đối tác &amp; Co" in page
    assert "<script>" not in page


def test_the_provider_is_asked_for_a_code_with_pkce_state_and_nonce(portal: TestClient, provider: str) -> None:
    address = urlsplit(portal.get("/auth/sign-in").headers["location"])
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}" == provider
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{LOOPBACK}/auth/callback"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["state"]
    assert asked["nonce"]


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"]
)
def test_sign_in_never_leads_to_another_site(portal: TestClient, sign_in_as: SignInAs, elsewhere: str) -> None:
    assert sign_in_as(portal, "an", elsewhere).headers["location"] == "/"


@pytest.mark.parametrize(
    ("public_url", "name"),
    [(LOOPBACK, "portal-8003"), ("http://127.0.0.1", "portal-80"), (HTTPS, "__Host-portal")],
)
def test_the_session_cookie_is_guarded(
    open_site: OpenSite, provider: str, sign_in_as: SignInAs, public_url: str, name: str
) -> None:
    browser = open_site(public_url, issuer=provider, accounts=ACCOUNTS)
    cookie = sign_in_as(browser, "an").headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    flags = {"httponly", "samesite=lax", "path=/", "max-age=28800"} | ({"secure"} if public_url == HTTPS else set())
    assert set(cookie.lower().split("; ")[1:]) == flags


def test_a_form_posted_without_a_session_is_a_401_page(portal: TestClient) -> None:
    for headers in (OURS, {}):
        answer = portal.post("/accounts", headers=headers)
        assert answer.status_code == 401
        assert "/auth/sign-in?next=/" in answer.text


def test_the_wrong_role_is_a_403_page(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "binh")
    assert portal.get("/accounts").status_code == 403
    assert portal.post("/accounts", headers=OURS).status_code == 403
    assert "vai trò" in portal.get("/accounts").text


def test_a_session_ends_after_eight_hours_whatever_was_done_with_it(
    portal: TestClient, sign_in_as: SignInAs, clock: MovableClock
) -> None:
    sign_in_as(portal, "an")
    clock.pass_by(timedelta(hours=7, minutes=59))
    portal.get("/auth/sign-in")  # writes to the session, and does not lengthen it
    assert portal.get("/accounts").status_code == 200
    clock.pass_by(timedelta(minutes=1))
    assert portal.get("/accounts").status_code == 303
    assert portal.post("/accounts", headers=OURS).status_code == 401


def test_nothing_of_the_session_before_sign_in_is_left_after_it(portal: TestClient, sign_in_as: SignInAs) -> None:
    portal.get("/auth/sign-in")
    assert "next" in held(portal)
    sign_in_as(portal, "binh")
    first = held(portal)
    sign_in_as(portal, "an")
    assert held(portal).keys() == {"person", "form_token", "until"}
    assert held(portal)["form_token"] != first["form_token"]


@pytest.mark.parametrize("service", ["approver", "portal"])
def test_a_session_counts_in_its_own_service_only(
    open_site: OpenSite, provider: str, sign_in_as: SignInAs, service: str
) -> None:
    theirs = open_site(issuer=provider, accounts=ACCOUNTS, service=service)
    sign_in_as(theirs, "an")
    cookie = f"portal-8003={theirs.cookies[f'{service}-8003']}"
    answer = open_site(issuer=provider, accounts=ACCOUNTS).get("/accounts", headers={"cookie": cookie})
    assert answer.status_code == (200 if service == "portal" else 303)


def test_a_session_changed_by_anybody_else_is_none(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "an")
    payload, rest = portal.cookies["portal-8003"].split(".", 1)
    other = held(portal) | {"person": held(portal)["person"] | {"partner_id": "p-2"}}
    forged = b64encode(json.dumps(other).encode()).decode()
    portal.cookies.clear()
    changed = portal.get("/accounts", headers={"cookie": f"portal-8003={forged}.{rest}"})
    assert changed.status_code == 303
    assert portal.get("/accounts", headers={"cookie": f"portal-8003={payload}.{rest}"}).status_code == 200


def test_what_an_ended_session_posts_is_kept_and_can_be_sent_after_signing_in_again(
    portal: TestClient, sign_in_as: SignInAs, clock: MovableClock
) -> None:
    sign_in_as(portal, "an")
    clock.pass_by(timedelta(hours=8))
    typed = {"name": ["<b>Minh Phát</b>", "An"], "form_token": "of the session that is over"}
    over = portal.post("/accounts", data=typed, headers=OURS | {"accept-language": "en"})
    assert over.status_code == 401
    assert "nothing was changed" in over.text
    assert 'href="/auth/sign-in?next=/auth/signed-in" target="_blank"' in over.text
    assert '<form method="post" action="/accounts">' in over.text
    fields = re.findall(r'<input type="hidden" name="(?!back)(\w+)" value="([^"]*)">', over.text)
    assert fields == [("name", "&lt;b&gt;Minh Phát&lt;/b&gt;"), ("name", "An")]
    sign_in_as(portal, "an", "/auth/signed-in")
    assert portal.get("/auth/signed-in").status_code == 200
    assert portal.post("/accounts", data=typed, headers=OURS).text == "added by an@partner.example of p-1"


@pytest.mark.parametrize("body", [b"{}", b"\xff", b""])
def test_what_is_no_form_is_a_401_too(portal: TestClient, body: bytes) -> None:
    answer = portal.post("/accounts", content=body, headers=OURS | {"content-type": "application/json"})
    assert (answer.status_code, "Send again" in answer.text) == (401, False)


@pytest.mark.parametrize("headers", [{"accept": "text/event-stream"}, {"hx-request": "true"}])
def test_what_nobodys_script_asks_is_refused_and_led_nowhere(portal: TestClient, headers: dict[str, str]) -> None:
    assert portal.get("/accounts", headers=headers).status_code == 401


def test_a_file_that_an_ended_session_posts_is_not_kept_and_that_is_said(portal: TestClient) -> None:
    files = {"file": ("customers.csv", b"an@example.com;An", "text/csv")}
    over = portal.post("/accounts", data={"name": "An"}, files=files, headers=OURS | {"accept-language": "en"})
    assert over.status_code == 401
    assert "The file that you chose could not be kept" in over.text
    assert 'name="name" value="An"' in over.text
    without = portal.post("/accounts", data={"name": "An"}, headers=OURS | {"accept-language": "en"})
    assert "could not be kept" not in without.text


def test_signing_out_is_a_form_and_ends_the_session(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "an")
    assert portal.get("/auth/sign-out").status_code == 405
    assert portal.get("/accounts").status_code == 200
    out = portal.post("/auth/sign-out", headers=OURS)
    assert (out.status_code, out.headers["location"]) == (303, "/auth/signed-out")
    assert portal.get("/auth/signed-out").status_code == 200
    assert portal.get("/accounts").status_code == 303


def test_a_missing_claim_is_named_on_a_page_that_says_whom_to_ask(portal: TestClient, sign_in_as: SignInAs) -> None:
    answer = sign_in_as(portal, "chi")
    assert answer.status_code == 403
    assert "<code>partner_id</code>" in answer.text
    assert "quản trị viên" in answer.text
    assert portal.get("/accounts").status_code == 303


@pytest.mark.parametrize(
    "query", ["", "code=made-up&state=made-up", "error=access_denied&error_description=%3Cscript%3E"]
)
def test_a_sign_in_that_failed_is_a_page_with_a_way_to_try_again(portal: TestClient, query: str) -> None:
    portal.get("/auth/sign-in?next=/accounts")
    answer = portal.get(f"/auth/callback?{query}")
    assert answer.status_code == 400
    assert 'href="/auth/sign-in?next=%2Faccounts"' in answer.text
    assert "<script>" not in answer.text


def test_a_made_up_code_signs_nobody_in(portal: TestClient) -> None:
    address = httpx2.URL(portal.get("/auth/sign-in").headers["location"])
    answer = portal.get("/auth/callback", params={"code": "made-up", "state": address.params["state"]})
    assert answer.status_code == 400
    assert portal.get("/accounts").status_code == 303


def test_a_callback_begun_in_another_browser_signs_nobody_in(
    open_site: OpenSite, provider: str, portal: TestClient
) -> None:
    to_provider = portal.get("/auth/sign-in").headers["location"]
    back = urlsplit(httpx2.post(to_provider, data={"sub": "an"}).headers["location"])
    stranger = open_site(issuer=provider, accounts=ACCOUNTS)
    assert stranger.get(f"{back.path}?{back.query}").status_code == 400
    assert stranger.get("/accounts").status_code == 303


def test_a_failed_sign_in_is_a_bad_try_and_one_that_succeeds_is_not_even_asked_about(
    open_site: OpenSite, provider: str, sign_in_as: SignInAs
) -> None:
    tries: list[Request] = []

    async def refused(request: Request) -> None:
        tries.append(request)
        raise HTTPException(429, headers={"Retry-After": "90"})

    browser = open_site(issuer=provider, accounts=ACCOUNTS, bad_try=refused)
    for query in ("", "code=made-up&state=made-up", "error=access_denied"):
        answer = browser.get(f"/auth/callback?{query}")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "90")
    assert len(tries) == 3
    assert sign_in_as(browser, "an").status_code == 303  # though this client has had too many
    assert browser.get("/accounts").status_code == 200
    assert sign_in_as(browser, "chi").status_code == 403  # the provider knows her: that is no guess
    assert len(tries) == 3


def test_a_service_starts_without_its_provider_and_says_when_it_is_away(open_site: OpenSite) -> None:
    browser = open_site(issuer="http://localhost:1", accounts=ACCOUNTS)
    assert browser.get("/livez").status_code == 200
    answer = browser.get("/auth/sign-in?next=/accounts")
    assert answer.status_code == 503
    assert 'href="/auth/sign-in?next=%2Faccounts"' in answer.text
