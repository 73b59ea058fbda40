"""What else approver knows of a case's partner and account stands beside it, the newest first, and is found fast."""

import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
from markupsafe import escape

from services.approver import related
from services.approver.domain import Case
from shared.events import Outcome
from shared.service import Service
from shared.web.bidi import balanced
from tests.domain.facts import HOUR, NOW, ONE, OTHER_PARTNER, account_updated, confirmed, registration_closed
from tests.names import HOSTILE
from tests.services.approver.at_work import case_of, hear
from tests.services.approver.staff import CASE, HOA, Browse, hears, words
from tests.services.approver.statements import statements_of
from tests.services.approver.test_deadlines import FILL, FILL_ACCOUNTS
from tests.services.conftest import MovableClock, Open


def links(page: httpx2.Response, heading: str) -> list[str]:
    """Where the table below `heading` leads, row by row."""
    after = page.text.partition(f">{heading}</h2>")[2].partition("<h2")[0]
    return re.findall(r'<th scope="row"><a href="/cases/([0-9a-f-]{36})">', after)


async def test_the_newest_ten_registrations_of_the_partner_stand_beside_the_case(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await hears(approver, account_updated(), confirmed())
    ids = [uuid4() for _ in range(12)]
    for number, registration_id in enumerate(ids):
        clock.now += HOUR
        await hears(approver, confirmed(registration_id, customer_email=f"k{number}@x.vn"))
    await hears(approver, confirmed(uuid4(), customer_email="other@x.vn", **OTHER_PARTNER))
    page = await browse(HOA).get(CASE)
    assert links(page, "Other cases of this partner") == [str(it) for it in reversed(ids[2:])]
    assert "There are more: search the open cases" in words(page)
    more = re.findall(r'href="(/cases\?[^"]*)"', page.text)
    assert len(more) == 2
    for address in more:
        assert (await browse(HOA).get(address.replace("&amp;", "&"))).status_code == 200


async def test_other_cases_of_the_same_account_are_shown_whoever_the_partner_is(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    assert "Other cases of this account" not in words(await browse(HOA).get(CASE))
    other = uuid4()
    await hears(approver, registration_closed(other, Outcome.WITHDRAWN, **OTHER_PARTNER))
    page = await browse(HOA).get(CASE)
    assert links(page, "Other cases of this account") == [str(other)]
    assert "Another Partner Khách quen Over before a decision" in words(page)
    assert links(page, "Other cases of this partner") == []
    assert "No other case of this partner." in words(page)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
async def test_a_name_is_shown_as_a_name_in_every_place_of_the_page(
    approver: Service, browse: Browse, name: str
) -> None:
    """Each within an element that keeps its direction; as text, whatever it holds."""
    names: dict[str, Any] = {"partner_name": name, "common_name": name}
    await hears(approver, account_updated(holder_name=name), confirmed(**names))
    for registration_id in (uuid4(), uuid4()):
        await hears(approver, registration_closed(registration_id, Outcome.EXPIRED, **names))
    page = await browse(HOA).get(CASE)
    assert page.status_code == 200 and "<b " not in page.text
    shown = re.findall(r"<bdi[^>]*>(.*?)</bdi>", page.text)
    places = 3 + 2 * 3  # partner, common name and holder of this case; the two others by account and by partner
    assert shown.count(str(escape(balanced(name)))) == places
    assert name not in re.sub(r"<bdi[^>]*>.*?</bdi>", "", page.text)


@pytest.mark.parametrize("known", ["partner", "account"])
async def test_they_are_found_by_an_index_among_many_cases(open_database: Open, database_url: str, known: str) -> None:
    database = await open_database("approver")
    owner = await asyncpg.connect(database_url, server_settings={"search_path": "approver"})
    try:
        await owner.execute(FILL, NOW)
        await owner.execute(FILL_ACCOUNTS)
        await hear(database, confirmed())
        await owner.execute("analyze")
        case: Case = await case_of(database, ONE)
        assert isinstance(case.registration_id, UUID)
        with statements_of(database) as sent:
            async with database.transaction() as tx:
                await related.of(tx, case)
        [plan] = [
            await owner.fetchval(f"explain (format json) {statement}", *parameters)
            for statement, parameters in sent
            if (case.partner_id if known == "partner" else case.customer_email) in parameters
        ]
    finally:
        await owner.close()
    assert f"cases_{known}_idx" in plan and "Seq Scan" not in plan and '"Sort"' not in plan
