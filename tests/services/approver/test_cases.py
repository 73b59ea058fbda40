"""The queue of VNG's staff: who may look, who may decide, and what a decision that cannot be made answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr

from services.approver.app import create_app
from shared.events import AccountUpdated, Billing, CustomerConfirmed, Locale
from shared.migrations import migrate
from shared.service import Service
from shared.settings import ApproverSettings
from shared.web.person import Person
from tests.services.conftest import MovableClock, rows, told
from tests.sessions import browser, session_of

URL = "http://localhost:8003"


def person(name: str, *roles: str) -> Person:
    return Person(f"{name}@vng.example", name.title(), None, None, frozenset(roles), Locale.EN)


HOA = person("hoa", "vng-reviewer")
BINH = person("binh", "vng-reviewer")
ADMIN = person("an", "vng-reviewer", "vng-admin")
PARTNER = person("lan", "partner")

Browse = Callable[[Person | None], httpx2.AsyncClient]


@pytest.fixture
def settings(database_url: str) -> ApproverSettings:
    return ApproverSettings(
        kafka_bootstrap_servers="localhost:1",  # never reached: the pages need no Kafka
        database_url=SecretStr(database_url),
        public_url=URL,
        oidc_issuer="http://localhost:1",
        oidc_client_id="approver",
        oidc_client_secret=SecretStr("a secret of the client"),
    )


@pytest.fixture
async def approver(settings: ApproverSettings, database_url: str, clock: MovableClock) -> AsyncIterator[Service]:
    await migrate(database_url, "approver")
    service = create_app(settings, clock=clock)
    service.consumer.catching_up.done = True  # as it is once the accounts that were there at start have been read
    yield service
    await service.database.close()


@pytest.fixture
async def browse(approver: Service, settings: ApproverSettings, clock: MovableClock) -> AsyncIterator[Browse]:
    async with AsyncExitStack() as stack:

        def browse(who: Person | None) -> httpx2.AsyncClient:
            cookies = session_of(who, settings, "approver", clock) if who else {}
            opened = browser(approver.web, URL, cookies)
            stack.push_async_callback(opened.aclose)
            return opened

        yield browse


async def account(approver: Service, version: int = 1, **facts: object) -> None:
    values: dict[str, object] = {
        "email": "an@example.com",
        "account_id": "vng-1",
        "holder_name": "Nguyễn Văn An",
        "locale": Locale.VI,
        "billing": Billing.PREPAID,
        "credit_balance": 0,
        "active_services": 0,
        "active_discounts": 0,
        "in_poc": False,
        "vng_customer": False,
        "version": version,
        "updated_at": datetime.now(UTC),
        **facts,
    }
    async with approver.database.transaction() as tx:
        await approver.consumer.inbox.handler_of(AccountUpdated)([AccountUpdated.model_validate(values)], tx)


async def case(approver: Service) -> UUID:
    event = CustomerConfirmed(
        registration_id=uuid4(),
        partner_id="saigon-cloud",
        partner_name="Saigon Cloud",
        customer_email="an@example.com",
        common_name="Minh Phát",
        role="Partner",
        confirmed_at=datetime.now(UTC),
    )
    async with approver.database.transaction() as tx:
        await approver.consumer.inbox.handler_of(CustomerConfirmed)([event], tx)
    return event.registration_id


async def test_nobody_but_staff_sees_or_decides_cases(approver: Service, browse: Browse) -> None:
    await account(approver)
    path = f"/cases/{await case(approver)}"
    nobody, partner = browse(None), browse(PARTNER)
    for address in ("/cases", path):
        asked = await nobody.get(address)
        assert (asked.status_code, asked.headers["location"].split("?")[0]) == (303, "/auth/sign-in")
        assert (await partner.get(address)).status_code == 403
    for action in ("claim", "approve", "reject"):
        assert (await nobody.post(f"{path}/{action}")).status_code == 401
        assert (await partner.post(f"{path}/{action}")).status_code == 403
    assert await told(approver.database) == []


async def test_an_approval_counts_once_and_whoever_comes_later_is_told_who_and_when(
    approver: Service, browse: Browse
) -> None:
    await account(approver)
    path = f"/cases/{await case(approver)}"
    hoa, binh = browse(HOA), browse(BINH)
    assert "an@example.com" in (await hoa.get("/cases")).text
    assert (await hoa.post(f"{path}/approve", data={"note": "fine"})).status_code == 303
    late = await binh.post(f"{path}/reject", data={"reason": "no"})
    assert late.status_code == 409 and "hoa@vng.example" in late.text and "GMT+7" in late.text
    assert (await hoa.post(f"{path}/approve")).status_code == 409
    assert await told(approver.database) == ["VngApproved"]
    page = await hoa.get(path)
    assert "not yet final" in page.text
    assert "an@example.com" not in (await hoa.get("/cases")).text


async def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(approver: Service, browse: Browse) -> None:
    await account(approver)
    path = f"/cases/{await case(approver)}"
    hoa = browse(HOA)
    missing = await hoa.post(f"{path}/reject", data={"reason": "  "})
    assert missing.status_code == 422 and "Please give a reason" in missing.text
    long = await hoa.post(f"{path}/reject", data={"reason": "x" * 1001})
    assert long.status_code == 422 and "x" * 1001 in long.text
    assert await told(approver.database) == []
    assert (await hoa.post(f"{path}/reject", data={"reason": "licence"})).status_code == 303
    assert await told(approver.database) == ["VngRejected"]


async def test_nothing_is_decided_before_the_facts_that_were_there_at_start_have_been_read(
    approver: Service, browse: Browse
) -> None:
    await account(approver)
    path = f"/cases/{await case(approver)}"
    approver.consumer.catching_up.done = False
    for action in ("approve", "reject"):
        early = await browse(HOA).post(f"{path}/{action}", data={"reason": "no"})
        assert early.status_code == 503 and early.headers["retry-after"]
    assert await told(approver.database) == []


async def test_an_account_that_no_longer_qualifies_is_approved_only_with_a_reason(
    approver: Service, browse: Browse
) -> None:
    await account(approver)
    path = f"/cases/{await case(approver)}"
    await account(approver, 2, credit_balance=5, billing=Billing.POSTPAID)
    hoa = browse(HOA)
    page = await hoa.get(path)
    assert "has a credit balance" in page.text and "not prepaid" in page.text
    assert (await hoa.post(f"{path}/approve", data={"note": "kept"})).status_code == 422
    assert (await hoa.post(f"{path}/approve", data={"override_reason": "agreed by phone"})).status_code == 303
    ((payload,),) = await rows(approver.database, "select payload::json ->> 'failing_codes' from outbox")
    assert payload == '["has_credit","not_prepaid"]'


async def test_a_claimed_case_is_its_claimers_or_an_admins_until_the_claim_lapses(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await account(approver)
    path = f"/cases/{await case(approver)}"
    hoa, binh, admin = browse(HOA), browse(BINH), browse(ADMIN)
    assert (await hoa.post(f"{path}/claim")).status_code == 303
    for action in ("claim", "approve", "reject"):
        refused = await binh.post(f"{path}/{action}", data={"reason": "mine"})
        assert refused.status_code == 409 and "hoa@vng.example" in refused.text
    assert (await admin.post(f"{path}/claim")).status_code == 303
    assert (await hoa.post(f"{path}/approve")).status_code == 409
    clock.now += timedelta(hours=4)
    assert (await binh.post(f"{path}/approve")).status_code == 303


@pytest.mark.parametrize("registration_id", [uuid4(), "not-an-id", "%00"])
async def test_an_unknown_or_malformed_case_is_a_404_page(browse: Browse, registration_id: object) -> None:
    hoa = browse(HOA)
    assert (await hoa.get(f"/cases/{registration_id}")).status_code == 404
    assert (await hoa.post(f"/cases/{registration_id}/approve")).status_code == 404
