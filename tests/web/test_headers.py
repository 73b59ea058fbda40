"""Every answer is protected; only the static files may be kept."""

import re

import pytest
from starlette.testclient import TestClient

from shared.web.static_files import FOLDER
from tests.web.small_service import HTTPS, OpenSite


@pytest.mark.parametrize("path", ["/page", "/missing", "/broken", "/livez", "/static/site.css"])
def test_every_answer_carries_the_protections(open_site: OpenSite, path: str) -> None:
    headers = open_site(page="hello").get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_only_an_https_site_asks_browsers_to_stay_on_https(open_site: OpenSite) -> None:
    assert "strict-transport-security" not in open_site().get("/livez").headers
    assert "strict-transport-security" in open_site(HTTPS).get("/livez").headers


@pytest.mark.parametrize("path", ["/page", "/missing", "/broken", "/readyz"])
def test_no_page_is_stored(open_site: OpenSite, path: str) -> None:
    assert open_site(page="hello").get(path).headers["cache-control"] == "no-store"


def test_a_stylesheet_is_kept_for_long_only_under_its_own_hash(open_site: OpenSite) -> None:
    browser = open_site(page="{{ 'site.css'|static_url }}")
    address = browser.get("/page").text
    assert address.startswith("/static/site.css?v=")
    kept = browser.get(address)
    assert kept.content == (FOLDER / "site.css").read_bytes()
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert browser.get("/static/site.css?v=of-another-version").headers["cache-control"] == "no-cache"


def test_text_is_sent_compressed_to_browsers_that_take_it_and_pages_with_secrets_never_are(open_site: OpenSite) -> None:
    browser = open_site(page="hello")
    for takes, encoding in (("gzip, br", "gzip"), ("identity", None)):
        sent = browser.get("/static/site.css", headers={"accept-encoding": takes})
        assert sent.headers.get("content-encoding") == encoding
        assert (sent.headers["vary"], sent.headers["content-type"]) == ("Accept-Encoding", "text/css; charset=utf-8")
        assert sent.content == (FOLDER / "site.css").read_bytes()
        assert browser.get("/page", headers={"accept-encoding": takes}).headers.get("content-encoding") is None


def test_a_stylesheet_that_a_browser_has_is_not_sent_again(open_site: OpenSite) -> None:
    browser = open_site()
    tag = browser.get("/static/site.css").headers["etag"]
    assert browser.get("/static/site.css", headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/static/missing.css", "/static/app.py", "/static/%2e%2e/app.py"])
def test_nothing_else_is_served_as_a_static_file(open_site: OpenSite, path: str) -> None:
    assert open_site().get(path).status_code == 404


def test_pages_hold_no_inline_style_or_script(portal: TestClient) -> None:
    page = portal.get("/missing").text
    assert "<style" not in page
    assert "style=" not in page
    assert not re.search(r"<script(?! src=)", page)


def test_a_request_cannot_name_where_it_is_sent(open_site: OpenSite) -> None:
    answer = open_site(page="hello").get("/page/", headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "evil.example" not in f"{answer.headers} {answer.text}"
