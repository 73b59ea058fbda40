"""Pages say what happened and what to do, in both languages, and show nothing of the inside."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from shared.events import Locale
from shared.web.formats import moment, vnd
from tests.web.small_service import OpenSite


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/missing", 404, "There is no such page"),
        ("/change", 405, "This page does not do that"),
        ("/broken", 500, "Something went wrong on our side"),
        ("/away", 503, "not available"),
        *[
            (f"/refused/{status}", status, says)
            for status, says in {
                400: "could not be read",
                403: "not allowed",
                409: "decided first",
                418: "went wrong",
                422: "another look",
                429: "Too many tries",
                503: "not available",
            }.items()
        ],
    ],
)
def test_an_error_is_a_page_that_says_so_and_nothing_of_the_inside(
    open_site: OpenSite, path: str, status: int, says: str
) -> None:
    answer = open_site().get(path, headers={"accept-language": "en"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert says in answer.text
    for inside in ("Traceback", "RuntimeError", "secret inside", "conftest", "site-packages"):
        assert inside not in answer.text


def test_what_will_mend_itself_is_one_line_for_the_operator_and_a_defect_a_traceback(open_site: OpenSite) -> None:
    browser = open_site()
    browser._transport.raise_server_exceptions = True  # type: ignore[attr-defined]  # as uvicorn hears of it
    with capture_logs() as lines:
        assert browser.get("/away").headers["retry-after"] == "10"
    assert [line["why"] for line in lines] == ["ConnectionRefusedError: the database at 10.0.0.7"]
    with pytest.raises(RuntimeError):
        browser.get("/broken")


def test_a_page_that_does_not_take_a_method_says_which_it_takes(open_site: OpenSite) -> None:
    assert open_site().get("/change").headers["allow"] == "POST"


def test_what_people_typed_is_shown_as_text(open_site: OpenSite) -> None:
    page = open_site(page="{{ '<b>' + request_name }}".replace("request_name", "'\"&'")).get("/page")
    assert page.text == "&lt;b&gt;&#34;&amp;"


def test_what_people_typed_does_not_end_the_element_that_keeps_its_direction(open_site: OpenSite) -> None:
    page = "{% set typed = 'a\u2069\u202eb\u2066c' %}<bdi>{{ typed }}</bdi>"
    assert open_site(page=page).get("/page").text == "<bdi>a\u202eb\u2066c\u2069</bdi>"


def test_a_name_that_a_template_does_not_know_is_an_error(open_site: OpenSite) -> None:
    assert open_site(page="{{ nobody }}").get("/page").status_code == 500


def test_a_service_may_replace_a_shared_template(open_site: OpenSite) -> None:
    assert open_site(error="ours {{ code }}").get("/missing").text == "ours 404"


def test_counted_sentences_read_well_in_both_languages(open_site: OpenSite) -> None:
    counted = "{% trans n=count %}{{ n }} case{% pluralize %}{{ n }} cases{% endtrans %}"
    page = f"{{% for count in (1, 2) %}}{counted} {{% endfor %}}"
    browser = open_site(page=page, vietnamese={("%(n)s case", "%(n)s cases"): ("%(n)s hồ sơ",)})
    assert browser.get("/page?hint=en").text == "1 case 2 cases "
    assert browser.get("/page?hint=vi").text == "1 hồ sơ 2 hồ sơ "


def test_times_are_shown_in_vietnams_zone_and_named_so() -> None:
    at = datetime(2026, 6, 30, 17, 5, tzinfo=UTC)
    assert moment(at, Locale.VI) == "01/07/2026 00:05 (GMT+7)"
    assert moment(at, Locale.EN) == "1 Jul 2026, 00:05 (GMT+7)"


def test_sums_of_money_read_as_people_write_them() -> None:
    assert (vnd(1234567, Locale.VI), vnd(-1234567, Locale.EN)) == ("1.234.567 ₫", "-1,234,567 VND")


def test_templates_format_in_the_readers_language(open_site: OpenSite) -> None:
    browser = open_site(page="{{ 1000 | vnd }}")
    assert browser.get("/page?hint=vi").text == "1.000 ₫"
    assert browser.get("/page?hint=en").text == "1,000 VND"
