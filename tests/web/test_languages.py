"""The reader's choice, else what is known of the reader, else what the browser asks for, else Vietnamese."""

import pytest
from starlette.testclient import TestClient

from shared.events import Locale
from shared.web.languages import known_locale
from tests.web.small_service import HTTPS, LOOPBACK, PARTNER, OpenSite, SignInAs

GREETING = '{{ _("Hello %(name)s", name="<An>") }}{% trans %}, welcome{% endtrans %}'
VIETNAMESE = {"Hello %(name)s": "Chào %(name)s", ", welcome": ", mời vào"}


@pytest.mark.parametrize(
    ("cookie", "hint", "accept", "language"),
    [
        ("en", "vi", "vi", "en"),
        ("vi", "en", "en", "vi"),
        (None, "en", "vi", "en"),
        (None, None, "en-GB,en;q=0.9,vi;q=0.8", "en"),
        (None, None, "fr;q=1, vi;q=0.4, en;q=0.3", "vi"),
        (None, None, "vi;q=0.3, en;q=0.4", "en"),
        (None, None, "en;q=0", "vi"),
        (None, None, "en;q=lots", "vi"),
        (None, None, "fr", "vi"),
        (None, None, "", "vi"),
        ("fr", None, "en", "en"),
    ],
)
def test_the_first_that_is_known_decides(
    open_site: OpenSite, cookie: str | None, hint: str | None, accept: str, language: str
) -> None:
    browser = open_site(page=GREETING, vietnamese=VIETNAMESE)
    if cookie:
        browser.cookies.set("portal-8003-language", cookie)
    page = browser.get("/page", params={"hint": hint} if hint else {}, headers={"accept-language": accept})
    greeting = {"en": "Hello &lt;An&gt;, welcome", "vi": "Chào &lt;An&gt;, mời vào"}[language]
    assert (page.headers["content-language"], page.text) == (language, greeting)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('{{ _("50%% of %(what)s", what="<b>") }}', "50% của &lt;b&gt;"),
        ('{% trans what="<b>"|bdi %}50% of {{ what }}{% endtrans %}', "50% của <bdi>&lt;b&gt;</bdi>"),
        ('<i title="{{ _("50%% of %(what)s", what=\'"\') }}">', '<i title="50% của &#34;">'),
        (
            '{% macro told(it) %}{{ it }}!{% endmacro %}{{ told(_("50%% of %(what)s", what="<b>")) }}',
            "50% của &lt;b&gt;!",
        ),
        ('{{ _("50%% of %(what)s", what=_("all")) if true else _("all") }}', "50% của tất cả"),
        ('{% set told = _("It is %(what)s", what="<b>"|upper) %}{{ told }}', "It's &lt;B&gt;"),
        ('{% set told = {1: _("Its name")} %}{{ told[1]|e }}', "It's"),
        ('{{ _("100%%(all)s") }}', "100%(all)s"),
        ("{% trans n=2 %}one{% pluralize %}{{ n }} of many{% endtrans %}", "2 of many"),
    ],
)
def test_a_sentence_reads_the_same_wherever_it_stands(open_site: OpenSite, page: str, text: str) -> None:
    browser = open_site(
        page=page,
        vietnamese={
            "50%% of %(what)s": "50%% của %(what)s",
            "all": "tất cả",
            "It is %(what)s": "It's %(what)s",
            "Its name": "It's",
        },
    )
    assert browser.get("/page", headers={"accept-language": "vi"}).text == text


def test_a_translation_with_a_name_that_the_sentence_has_not_stops_the_service_at_its_start(
    open_site: OpenSite,
) -> None:
    with pytest.raises(KeyError, match="nane"):
        open_site(page='{{ _("Hello %(name)s", name="An") }}', vietnamese={"Hello %(name)s": "Chào %(nane)s"})


def test_the_language_told_by_the_openid_provider_comes_before_the_browsers(
    portal: TestClient, sign_in_as: SignInAs
) -> None:
    assert PARTNER.claims["locale"] == "vi-VN"
    sign_in_as(portal, "an")
    assert portal.get("/accounts", headers={"accept-language": "en"}).headers["content-language"] == "vi"


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        ("vi-VN", Locale.VI),
        ("en_US", Locale.EN),
        ("EN", Locale.EN),
        ("fr", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_language_is_known_by_its_first_part(tag: object, locale: Locale | None) -> None:
    assert known_locale(tag) is locale


def test_a_choice_is_kept_and_leads_back(open_site: OpenSite) -> None:
    browser = open_site(page='{% extends "base.html" %}')
    assert 'name="back" value="/page?a=1&amp;b=2"' in browser.get("/page?a=1&b=2").text
    chosen = browser.post("/language", data={"language": "en", "back": "/page?a=1&b=2"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/page?a=1&b=2")
    assert '<html lang="en">' in browser.get("/page").text


def test_after_a_posted_form_the_way_back_is_the_forms_page(open_site: OpenSite) -> None:
    browser = open_site()
    headers = {"origin": "null", "referer": f"{LOOPBACK}/accounts/add"}
    assert 'name="back" value="/accounts/add"' in browser.post("/change", headers=headers).text
    headers["referer"] = "https://evil.example/page"
    assert 'name="back" value="/"' in browser.post("/change", headers=headers).text


def test_looking_at_a_page_chooses_no_language(open_site: OpenSite) -> None:
    browser = open_site(page="hello")
    assert browser.get("/language").status_code == 405
    assert "set-cookie" not in browser.get("/page?language=en").headers


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_a_choice_never_leads_to_another_site(open_site: OpenSite, elsewhere: str) -> None:
    answer = open_site().post("/language", data={"language": "en", "back": elsewhere})
    assert answer.headers["location"] == "/"


def test_the_language_cookie_is_as_guarded_as_the_session(open_site: OpenSite) -> None:
    cookie = open_site(HTTPS).post("/language", data={"language": "en", "back": "/"}).headers["set-cookie"]
    assert cookie.startswith("__Host-portal-language=en;")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
