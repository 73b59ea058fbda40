"""A request that changes something comes from one of our own pages, or changes nothing."""

import re

import pytest
from starlette.testclient import TestClient

from shared.web.security import LONGEST_BODY
from tests.web.small_service import HTTPS, LOOPBACK, OpenSite, SignInAs


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": LOOPBACK}, 200),
        ({"origin": LOOPBACK, "sec-fetch-site": "cross-site"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://localhost:8004"}, 403),
        ({"origin": "https://localhost:8003"}, 403),
        ({"origin": f"{LOOPBACK}.evil.example"}, 403),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_form_counts_only_from_our_own_page(open_site: OpenSite, headers: dict[str, str], status: int) -> None:
    assert open_site().post("/change", data={"name": "x"}, headers=headers).status_code == status


def test_a_form_from_a_page_of_ours_and_one_of_others_does_not_count(open_site: OpenSite) -> None:
    both = [("origin", LOOPBACK), ("origin", "https://evil.example")]
    assert open_site().post("/change", headers=both).status_code == 403


def test_the_origin_of_a_site_on_its_schemes_own_port_names_no_port(open_site: OpenSite) -> None:
    browser = open_site("https://Portal.example.com:443")
    assert browser.post("/change", headers={"origin": HTTPS}).status_code == 200


def test_reading_is_free_for_pages_of_others(open_site: OpenSite) -> None:
    browser = open_site(page="hello")
    assert browser.get("/page", headers={"origin": "https://evil.example"}).status_code == 200


def test_where_nobody_is_signed_in_a_plain_client_may_post(open_site: OpenSite) -> None:
    assert open_site().post("/change", data={"name": "Lan"}).text == "changed Lan"


def test_without_origin_a_signed_in_form_needs_the_token_of_its_page(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "an")
    page = portal.get("/accounts").text
    token = re.findall(r'name="form_token" value="([^"]+)"', page)[0]
    refused = portal.post("/accounts", data={"form_token": token[::-1]})
    assert refused.status_code == 403
    assert "tải lại trang" in refused.text
    assert portal.post("/accounts").status_code == 403
    assert (
        portal.post("/accounts", content=b"\xff\xfe", headers={"content-type": "multipart/form-data"}).status_code
        == 403
    )
    assert portal.post("/accounts", data={"form_token": token}).text == "added by an@partner.example of p-1"


def test_the_form_is_read_whole_after_its_token_was(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "an")
    token = re.findall(r'name="form_token" value="([^"]+)"', portal.get("/accounts").text)[0]
    answer = portal.post("/change", data={"form_token": token, "name": "Lan"})
    assert answer.text == "changed Lan"


def test_with_our_origin_no_token_is_needed(portal: TestClient, sign_in_as: SignInAs) -> None:
    sign_in_as(portal, "an")
    assert portal.post("/accounts", headers={"origin": LOOPBACK}).status_code == 200


def test_the_token_of_one_session_is_worthless_in_another(
    open_site: OpenSite, provider: str, sign_in_as: SignInAs, portal: TestClient
) -> None:
    sign_in_as(portal, "an")
    token = re.findall(r'name="form_token" value="([^"]+)"', portal.get("/accounts").text)[0]
    sign_in_as(portal, "an")
    assert portal.post("/accounts", data={"form_token": token}).status_code == 403


def test_a_body_that_is_too_long_is_refused_with_a_page(open_site: OpenSite) -> None:
    browser = open_site()
    announced = browser.post("/change", content=b"x" * (LONGEST_BODY + 1))
    streamed = browser.post(
        "/change",
        content=(b"name=" + b"x" * 600_000 for _ in range(2)),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert "<h1>" in announced.text
    assert "<h1>" in streamed.text


@pytest.mark.parametrize("charset", ["punycode", '"utf-7"', "unicode_escape", "latin-1", "no-such"])
def test_a_form_in_another_encoding_is_refused_before_it_is_read(open_site: OpenSite, charset: str) -> None:
    body = b'--XX\r\nContent-Disposition: form-data; name="name"\r\n\r\naaaaaaaaaa-!!\xff+2AA-\r\n--XX--\r\n'
    for kind in ("multipart/form-data; boundary=XX", "application/x-www-form-urlencoded"):
        sent = {"content-type": f"{kind}; charset={charset}", "origin": LOOPBACK}
        answer = open_site().post("/change", content=body, headers=sent)
        assert (answer.status_code, answer.headers["content-type"]) == (415, "text/html; charset=utf-8")


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"'])
def test_a_form_with_files_in_utf_8_is_read(open_site: OpenSite, charset: str) -> None:
    body = '--XX\r\nContent-Disposition: form-data; name="name"\r\n\r\nNguyễn\r\n--XX--\r\n'.encode()
    sent = {"content-type": f"multipart/form-data; boundary=XX{charset}", "origin": LOOPBACK}
    assert open_site().post("/change", content=body, headers=sent).text == "changed Nguyễn"
