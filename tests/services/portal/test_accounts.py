"""The list and the details, over HTTP on the real application and database."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.portal import messages_vi, store
from services.portal.domain import Fact, Status
from services.portal.handlers import update_registrations
from shared.database import Database
from shared.events import Outcome
from shared.web.site import Site
from shared.web.templating import Pages
from tests.services.portal.conftest import BINH, STAFF, URL, Browse
from tests.services.portal.facts import (
    ID,
    approved,
    closed,
    confirmed,
    minutes,
    opened,
    requested,
    sent,
    undeliverable,
)

PAGE = f"/accounts/{ID}"


async def hear(database: Database, *facts: Fact) -> None:
    async with database.transaction() as tx:
        await update_registrations(facts, tx)


async def test_a_partner_sees_its_own_registrations_only(browse: Browse, database: Database) -> None:
    theirs = uuid4()
    await hear(database, opened(), opened(theirs, "p-2", common_name="Khách của B"))
    page = await browse().get("/accounts")
    assert page.status_code == 200
    assert "Khách Một" in page.text
    assert "Khách của B" not in page.text
    assert "Khách Một" not in (await browse(BINH).get("/accounts")).text


@pytest.mark.parametrize("path", [f"/accounts/{uuid4()}", "/accounts/not-an-id", "/accounts/%00"])
async def test_an_unknown_or_malformed_id_is_a_404_page(browse: Browse, path: str) -> None:
    answer = await browse().get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


async def test_another_partners_registration_is_a_404_page(browse: Browse, database: Database) -> None:
    await hear(database, opened())
    answer = await browse(BINH).get(PAGE)
    assert answer.status_code == 404
    assert "khach@example.com" not in answer.text
    assert (await browse().get(PAGE)).status_code == 200


async def test_the_newest_is_listed_first_with_its_dates(browse: Browse, database: Database) -> None:
    ids = [UUID(int=n) for n in (1, 2)]
    async with database.transaction() as tx:
        await store.request(
            tx, [requested(one, common_name=f"Số {n}", requested_at=minutes(n)) for n, one in enumerate(ids)]
        )
    await hear(database, confirmed(ids[0]))
    page = (await browse().get("/accounts")).text
    assert page.index("Số 1") < page.index("Số 0")
    for said in ("1 Jul 2026, 16:00 (GMT+7)", "1 Jul 2026, 16:40 (GMT+7)", "khach@example.com"):
        assert said in page


@pytest.mark.parametrize(
    ("fact", "english", "vietnamese"),
    [
        (opened(), "Waiting for the customer's confirmation", "Chờ khách hàng xác nhận"),
        (confirmed(), "Waiting for VNG Cloud's approval", "Chờ VNG Cloud phê duyệt"),
        (approved(), "Approved", "Đã xác nhận"),
        (closed(Outcome.REFUSED), "Refused", "Không được chấp nhận"),
        (closed(Outcome.DECLINED), "Declined by the customer", "Khách hàng từ chối"),
        (closed(Outcome.EXPIRED), "Expired: not confirmed in time", "Hết hạn xác nhận"),
        (closed(Outcome.WITHDRAWN), "Withdrawn", "Đã rút lại"),
        (closed(Outcome.REJECTED), "Rejected by VNG Cloud", "VNG Cloud từ chối"),
    ],
)
async def test_a_status_is_said_in_the_readers_language(
    browse: Browse, database: Database, fact: Fact, english: str, vietnamese: str
) -> None:
    await hear(database, fact)
    browser = browse()
    for path in ("/accounts", PAGE):
        assert f">{english}</span>" in (await browser.get(path)).text
    await browser.post("/language", data={"language": "vi", "back": PAGE})
    assert f">{vietnamese}</span>" in (await browser.get(PAGE)).text


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("not_registered", "not an account registered with VNG Cloud"),
        ("already_registered", "registered for a partner already"),
        ("current_customer", "a customer of VNG Cloud already"),
        ("too_many_open", "Too many of your registrations"),
        ("declined_recently", "a short while ago"),
        ("Hợp đồng <riêng>", "Hợp đồng &lt;riêng&gt;"),
    ],
)
async def test_a_reason_is_a_sentence_for_people(browse: Browse, database: Database, reason: str, says: str) -> None:
    await hear(database, closed(Outcome.REFUSED, reason))
    page = (await browse().get(PAGE)).text
    assert says in page
    assert reason not in page


async def test_the_conditions_are_listed_without_saying_which_one_failed(browse: Browse, database: Database) -> None:
    await hear(database, closed(Outcome.REFUSED, "conditions_not_met"))
    page = (await browse().get(PAGE)).text
    for said in ("no credit balance", "services", "discounts", "POC", "prepaid"):
        assert said in page


async def test_the_details_tell_the_story(browse: Browse, database: Database) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    await hear(database, opened(), opened(), sent(1), undeliverable(12))
    page = (await browse().get(PAGE)).text
    assert "16 Jul" not in page
    for said in ("an@partner.example", "550 no mailbox 12", "Link valid until", "2 Jul 2026, 08:40 (GMT+7)"):
        assert said in page
    timeline = page.split('id="timeline"')[1]
    assert timeline.index(">Registered<") < timeline.index(">Waiting for the customer")
    assert timeline.count("<li>") == 2


async def test_who_approved_is_not_told_to_partners(browse: Browse, database: Database) -> None:
    await hear(database, approved())
    assert "staff@vng.example" not in (await browse().get(PAGE)).text


async def test_a_registration_with_few_details_yet_has_its_pages(browse: Browse, database: Database) -> None:
    await hear(database, sent(1))
    for path in ("/accounts", PAGE):
        page = await browse().get(path)
        assert page.status_code == 200
        assert "None" not in page.text
        assert "Details follow" in page.text


async def test_pages_are_for_people_of_a_partner(browse: Browse) -> None:
    for path in ("/accounts", "/accounts/add", PAGE):
        assert (await browse(None).get(path)).status_code == 303
        assert (await browse(STAFF).get(path)).status_code == 403


async def test_the_front_door_leads_to_the_accounts(browse: Browse) -> None:
    answer = await browse().get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")


def test_every_sentence_has_its_vietnamese_and_every_status_its_word() -> None:
    templates = Path(messages_vi.__file__).parent / "templates"
    assert Pages(Site("portal", URL), templates, messages_vi.MESSAGES).untranslated() == set()
    words = (templates / "words.html").read_text()
    assert {status for status in Status if f'"{status}": _(' not in words} == set()
