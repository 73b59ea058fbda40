"""While a case is open on somebody's screen, the page says what has happened to it, and nothing else on it moves."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.database import channel_of
from shared.service import Service
from tests.domain.facts import HOUR, ONE, THREE, TWO, account_updated, confirmed, registration_closed
from tests.services.approver.at_work import act
from tests.services.approver.staff import ADMIN, BINH, CASE, HOA, Browse, hears, words
from tests.services.conftest import MovableClock, eventually


def asks(page: httpx2.Response) -> str:
    """Where the open page asks for its news."""
    return html.unescape(re.findall(r'data-hx-get="([^"]*/news[^"]*)"', page.text)[0])


async def test_a_page_that_is_still_right_has_no_news(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(), confirmed())
    page = await browse(HOA).get(CASE)
    assert words(await browse(HOA).get(asks(page))) == ""
    await hears(approver, account_updated(version=2))  # the same facts again
    assert words(await browse(HOA).get(asks(page))) == ""


async def test_the_news_say_who_did_what_since_the_page_was_opened_and_nothing_from_before(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    await browse(ADMIN).post(f"{CASE}/claim")
    page = await browse(ADMIN).get(CASE)
    await browse(ADMIN).post(f"{CASE}/release")
    await browse(BINH).post(f"{CASE}/reject", data={"reason": "Hồ sơ <thiếu>"})
    news = words(await browse(ADMIN).get(asks(page)))
    assert "The claim was released · an@vng.example" in news
    assert "VNG Cloud rejected · Rejected · binh@vng.example · Hồ sơ <thiếu>" in news
    assert "claimed" not in news and "The customer confirmed" not in news
    assert "Show the case as it is now, and keep what I typed" in news


async def test_the_news_say_that_the_account_has_changed_and_what_it_fails_now(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    page = await browse(HOA).get(CASE)
    await hears(approver, account_updated(version=2, in_poc=True))
    assert "account has changed. Not met now: The account is in a POC." in words(await browse(HOA).get(asks(page)))
    page = await browse(HOA).get(CASE)
    await hears(approver, account_updated(version=3))
    assert "account has changed. Every condition holds." in words(await browse(HOA).get(asks(page)))


async def test_who_can_type_nothing_is_sent_to_the_page_as_it_is(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(), confirmed())
    await browse(ADMIN).post(f"{CASE}/claim")
    page = await browse(BINH).get(CASE)
    await browse(ADMIN).post(f"{CASE}/release")
    news = await browse(BINH).get(asks(page))
    assert f'<a id="news-show" role="button" href="{CASE}">' in news.text and "<button" not in news.text


async def test_a_case_that_is_final_watches_nothing(approver: Service, browse: Browse) -> None:
    await hears(approver, registration_closed())
    assert "data-live" not in (await browse(HOA).get(CASE)).text


@asynccontextmanager
async def heard(approver: Service) -> AsyncIterator[list[object]]:
    """The topics that open pages are told of."""
    topics: list[object] = []

    def hear(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        topics.append(payload)

    connection = await approver.database.connect()
    try:
        await connection.add_listener(channel_of("approver"), hear)
        yield topics
    finally:
        await connection.close()


async def test_each_change_of_a_case_or_its_account_is_told_to_its_own_pages(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await hears(approver, account_updated(), confirmed(), confirmed(TWO), confirmed(THREE, customer_email="other@x.vn"))
    async with heard(approver) as topics:

        async def told() -> set[object]:
            return set(topics)

        for change in ("claim", "release", "claim", "lapse", "account", "reject", "final"):
            topics.clear()
            if change == "account":
                await hears(approver, account_updated(version=2, in_poc=True))
            elif change == "lapse":
                await act(approver.database, clock.now + 5 * HOUR)
            elif change == "final":
                await hears(approver, registration_closed())
            else:
                await browse(HOA).post(f"{CASE}/{change}", data={"reason": "no"})
            expected = {"cases", str(ONE)} | ({str(TWO)} if change == "account" else set())
            await eventually(told, expected.issubset)
            assert set(topics) == expected


@pytest.mark.parametrize("part", ["news", "changes"])
async def test_the_news_of_a_case_are_for_staff_and_of_cases_that_there_are(
    approver: Service, browse: Browse, part: str
) -> None:
    await hears(approver, account_updated(), confirmed())
    assert (await browse(None).get(f"{CASE}/{part}", headers={"accept": "text/event-stream"})).status_code == 401
    for unknown in (TWO, "x", "%00"):
        assert (await browse(HOA).get(f"/cases/{unknown}/{part}")).status_code == 404


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.one_of(st.text(max_size=8), st.integers().map(str)),
    facts=st.text(max_size=20),
    typing=st.text(max_size=3),
)
@example(lines="²", facts="", typing="")
@example(lines="9" * 5000, facts="", typing="")
async def test_whatever_a_page_says_that_it_shows_the_news_are_an_answer(
    approver: Service, browse: Browse, lines: str, facts: str, typing: str
) -> None:
    await hears(approver, confirmed())
    answer = await browse(HOA).get(f"{CASE}/news", params={"lines": lines, "facts": facts, "typing": typing})
    assert answer.status_code == 200
