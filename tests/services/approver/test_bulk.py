"""Many cases approved at once: each as on its own page, none held up by another, none twice."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
from structlog.testing import capture_logs

from services.approver import store
from shared.events import Locale, Outcome
from shared.service import Service
from tests.domain.facts import HOUR, NOW, account_updated, confirmed, registration_closed
from tests.services.approver.at_work import LAN, decide_in, hear_in
from tests.services.approver.staff import ADMIN, BINH, HOA, PARTNER, Browse, hears, reading, words
from tests.services.conftest import MovableClock, held_open, rows, told

GOOD, BAD, ALSO_GOOD = UUID(int=1), UUID(int=2), UUID(int=3)
EMAILS = {GOOD: "good@x.vn", BAD: "bad@x.vn", ALSO_GOOD: "also@x.vn"}
BULK = "/cases/approve"

Step = Callable[[Service, Browse], Awaitable[object]]


@pytest.fixture
async def cases(approver: Service) -> list[UUID]:
    """Open cases of accounts that meet every condition."""
    await hears(approver, *map(account_updated, EMAILS.values()))
    for registration_id, email in EMAILS.items():
        await hears(approver, confirmed(registration_id, customer_email=email))
    return list(EMAILS)


def chosen(*ids: object, **more: str) -> dict[str, Any]:
    return {"registration_id": [str(it) for it in ids], **more}


def marks(page: httpx2.Response) -> list[str]:
    """What the form says that its page showed of each case."""
    return re.findall(r'name="seen" value="([^"]+)"', page.text)


async def approved(approver: Service) -> list[tuple[Any, ...]]:
    return await rows(approver.database, "select registration_id, decided_by from cases where status = 'approved'")


async def test_all_that_were_chosen_are_approved_with_the_note_and_told(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    page = await browse(HOA).post(BULK, data=chosen(*cases, note="  Đã gọi cả ba "))
    assert page.status_code == 200 and "Approved: 3 of 3 cases." in words(page)
    assert all(f'href="/cases/{it}"' in page.text for it in cases)
    assert sorted(await approved(approver)) == [(it, HOA.email) for it in cases]
    payloads = "select payload::json ->> 'note', payload::json ->> 'override_reason' from outbox"
    assert await rows(approver.database, payloads) == [("Đã gọi cả ba", None)] * 3


async def test_the_same_posted_again_changes_nothing_and_says_so_kindly(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    hoa = browse(HOA)
    await hoa.post(BULK, data=chosen(*cases))
    history = await rows(approver.database, "select * from history")
    again = await hoa.post(BULK, data=chosen(*cases, cases[0]))
    assert again.status_code == 200
    assert "You had approved these cases already. Nothing has changed for them." in words(again)
    assert "did not take effect" not in words(again)
    assert await rows(approver.database, "select * from history") == history
    assert await told(approver.database) == ["VngApproved"] * 3


def changes(**facts: Any) -> Step:
    return lambda approver, _browse: hears(approver, account_updated("bad@x.vn", version=2, **facts))


def posts(action: str, who: Any = BINH, **fields: str) -> Step:
    return lambda _approver, browse: browse(who).post(f"/cases/{BAD}/{action}", data=fields)


def closed(approver: Service, _browse: Browse) -> Awaitable[None]:
    return hears(approver, registration_closed(BAD, Outcome.WITHDRAWN, closed_at=NOW - HOUR))


# What happened to one of three cases, and what the summary says of it in English and in Vietnamese.
REFUSED: list[tuple[Step, str, str]] = [
    (changes(in_poc=True), "The account does not meet every condition.", "Tài khoản không đáp ứng đủ điều kiện."),
    (posts("claim"), "This case is claimed by binh@vng.example", "binh@vng.example đang nhận xử lý hồ sơ này"),
    (posts("approve"), "This case was approved by binh@vng.example", "phê duyệt bởi binh@vng.example"),
    (posts("reject", reason="no"), "This case was rejected by binh@vng.example", "từ chối bởi binh@vng.example"),
    (posts("reject", HOA, reason="no"), "This case was rejected by hoa@vng.example", "từ chối bởi hoa@vng.example"),
    (closed, "Withdrawn by the partner", "Đối tác đã rút lại đăng ký"),
    (changes(vng_customer=True), "approved by the rule for current customers", "quy tắc dành cho khách hàng hiện hữu"),
]


@pytest.mark.parametrize(("before", "english", "vietnamese"), REFUSED)
@pytest.mark.parametrize("locale", Locale)
async def test_a_case_that_does_not_go_through_stops_no_other_and_the_summary_says_why(
    approver: Service,
    browse: Browse,
    cases: list[UUID],
    before: Step,
    english: str,
    vietnamese: str,
    locale: Locale,
) -> None:
    await before(approver, browse)
    page = await browse(reading(HOA, locale)).post(BULK, data=chosen(*cases))
    assert page.status_code == 200
    assert {Locale.EN: "Approved: 2 of 3 cases.", Locale.VI: "Đã phê duyệt 2 trên 3 hồ sơ."}[locale] in words(page)
    why = words(page).partition("bad@x.vn")[2]
    assert {Locale.EN: english, Locale.VI: vietnamese}[locale] in why.partition("good@x.vn")[0]
    assert f'href="/cases/{BAD}"' in page.text
    assert {it for it, by in await approved(approver) if by == HOA.email} == {GOOD, ALSO_GOOD}


async def test_no_condition_is_overridden_whatever_is_posted(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    await changes(in_poc=True)(approver, browse)
    data = chosen(BAD, override_reason="Ngoại lệ", seen_codes="in_poc")
    await browse(ADMIN).post(BULK, data=data)
    assert await told(approver.database) == []


async def test_who_is_no_administrator_passes_no_claim_and_a_claim_that_is_over_is_none(
    approver: Service, browse: Browse, cases: list[UUID], clock: MovableClock
) -> None:
    await posts("claim")(approver, browse)
    assert "Approved: 0 of 1 case." in words(await browse(HOA).post(BULK, data=chosen(BAD)))
    clock.now += 4 * HOUR
    assert "Approved: 1 of 1 case." in words(await browse(HOA).post(BULK, data=chosen(BAD)))


@pytest.mark.parametrize(
    "meanwhile",
    [changes(account_id="another", holder_name="Somebody Else"), posts("claim", HOA)],
    ids=["another account", "claimed"],
)
async def test_what_has_changed_since_the_list_was_made_is_not_approved(
    approver: Service, browse: Browse, cases: list[UUID], meanwhile: Step
) -> None:
    """Even by an administrator, whom no claim holds back."""
    admin = browse(ADMIN)
    seen = marks(await admin.get("/cases"))
    assert len(seen) == len(cases)
    await meanwhile(approver, browse)
    page = words(await admin.post(BULK, data=chosen(*cases) | {"seen": seen}))
    assert "What you saw has changed meanwhile, so it was not approved" in page
    assert sorted(row[0] for row in await approved(approver)) == [GOOD, ALSO_GOOD]


async def test_a_problem_with_the_form_does_not_make_seen_what_changed_since_its_cases_were_chosen(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    admin = browse(ADMIN)
    shown = marks(await admin.get("/cases"))
    await posts("claim")(approver, browse)
    page = await admin.post(BULK, data=chosen(*cases, note="x" * 1001) | {"seen": shown})
    assert page.status_code == 422 and marks(page) == shown
    await admin.post(BULK, data=chosen(*cases) | {"seen": marks(page)})
    assert sorted(row[0] for row in await approved(approver)) == [GOOD, ALSO_GOOD]


async def test_no_browser_fills_in_on_the_way_back_what_was_chosen_on_another_list(
    browse: Browse, cases: list[UUID]
) -> None:
    """It would by their places. The boxes, "select all" and the note follow their form; HTML allows no `autocomplete`
    on a box."""
    page = (await browse(HOA).get("/cases")).text
    form = re.findall(r'<form id="bulk"[^>]*>', page)
    assert ['autocomplete="off"' in it for it in form] == [True]
    boxes = re.findall(r'<input [^>]*name="registration_id"[^>]*>', page)
    assert len(boxes) == len(cases) and all('form="bulk"' in box for box in boxes)
    assert {"select-all", "note"} <= set(re.findall(r'<input [^>]*id="([^"]+)"', page.partition(form[0])[2]))


@pytest.mark.parametrize("unknown", ["11111111-1111-4111-8111-111111111111", "not-an-id", "\x00", "<b>"])
async def test_a_case_that_does_not_exist_stops_no_other(
    approver: Service, browse: Browse, cases: list[UUID], unknown: object
) -> None:
    page = await browse(HOA).post(BULK, data=chosen(unknown, GOOD))
    assert page.status_code == 200 and "<b>" not in page.text
    assert "Approved: 1 of 2 cases." in words(page)
    assert "One of the cases does not exist." in words(page)


async def test_a_case_decided_while_others_are_approved_is_not_decided_again(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    """Its page and the many are sent at once."""
    async with held_open(approver.database) as (tx, until_another_waits):
        await decide_in(tx, LAN, approve=False, registration_id=BAD, email="bad@x.vn")
        bulk = asyncio.create_task(browse(HOA).post(BULK, data=chosen(GOOD, BAD, ALSO_GOOD)))
        await until_another_waits()
    page = words(await bulk)
    assert "Approved: 2 of 3 cases." in page and "This case was rejected by lan@vng.example" in page
    assert sorted(await told(approver.database)) == ["VngApproved", "VngApproved", "VngRejected"]


async def test_an_account_that_changes_while_many_are_approved_is_judged_by_its_newest_facts(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    async with held_open(approver.database) as (tx, until_another_waits):
        await hear_in(tx, account_updated("bad@x.vn", version=2, in_poc=True))
        bulk = asyncio.create_task(browse(HOA).post(BULK, data=chosen(*cases)))
        await until_another_waits()
    assert "The account does not meet every condition." in words(await bulk)
    assert {it for it, _by in await approved(approver)} == {GOOD, ALSO_GOOD}


async def test_crossing_bulks_and_changes_of_their_accounts_never_deadlock_and_approve_nothing_twice(
    approver: Service, browse: Browse
) -> None:
    ids = [UUID(int=n + 1) for n in range(12)]
    await hears(approver, *(account_updated(f"k{n}@x.vn") for n in range(12)))
    for n, it in enumerate(ids):
        await hears(approver, confirmed(it, customer_email=f"k{n}@x.vn"))

    async def change(version: int) -> None:
        async with approver.database.transaction() as tx:
            await hear_in(tx, *(account_updated(f"k{n}@x.vn", version=version) for n in (7, 3, 11, 0)))

    posted = [browse(who).post(BULK, data=chosen(*order)) for who in (HOA, BINH, ADMIN) for order in (ids, ids[::-1])]
    answers = await asyncio.gather(*posted, *(change(version) for version in range(2, 8)))
    assert {it.status_code for it in answers if isinstance(it, httpx2.Response)} == {200}
    assert await told(approver.database) == ["VngApproved"] * 12


async def test_before_the_facts_have_been_read_nothing_is_approved_and_all_can_be_sent_again(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    await posts("claim")(approver, browse)
    approver.consumer.catching_up.done = False
    hoa = browse(HOA)
    early = await hoa.post(BULK, data=chosen(*cases, note='"Đã" gọi'))
    assert early.status_code == 503 and early.headers["retry-after"]
    assert "claimed by binh@vng.example" in words(early)
    assert await told(approver.database) == []
    approver.consumer.catching_up.done = True
    again = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', early.text.split("<main")[1])
    fields = [(name, html.unescape(value)) for name, value in again if name != "form_token"]
    assert [value for name, value in fields if name == "registration_id"] == [str(GOOD), str(ALSO_GOOD)]
    data = chosen(GOOD, ALSO_GOOD) | {name: value for name, value in fields if name != "registration_id"}
    assert "Approved: 2 of 2 cases." in words(await hoa.post(BULK, data=data))
    assert await rows(approver.database, "select distinct payload::json ->> 'note' from outbox") == [('"Đã" gọi',)]


LOSE_WHO_WAITS = """select pg_terminate_backend(pid) from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database()"""


async def test_a_connection_lost_on_the_way_approves_none_of_those_in_hand_and_all_can_be_sent_again(
    approver: Service, browse: Browse, cases: list[UUID], database_url: str
) -> None:
    hoa = browse(HOA)
    async with held_open(approver.database) as (tx, until_another_waits):
        await store.lock(tx, [BAD])
        bulk = asyncio.create_task(hoa.post(BULK, data=chosen(*cases, note="Đã gọi")))
        await until_another_waits()
        owner = await asyncpg.connect(database_url)
        await owner.execute(LOSE_WHO_WAITS)
        await owner.close()
        page = await bulk
    assert page.status_code == 503 and page.headers["retry-after"]
    assert "3 cases could not be decided just now." in words(page) and "does not exist" not in words(page)
    assert await told(approver.database) == []
    again = re.findall(r'name="registration_id" value="([^"]+)"', page.text)
    assert again == [str(it) for it in cases] and 'name="note" value="Đã gọi"' in page.text
    assert "Approved: 3 of 3 cases." in words(await hoa.post(BULK, data=chosen(*again)))
    assert await told(approver.database) == ["VngApproved"] * 3


async def test_while_the_database_is_away_all_can_be_sent_again(
    approver: Service, browse: Browse, cases: list[UUID], database_url: str
) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("alter table approver.cases rename to away")  # a statement fails as if not yet migrated
    try:
        with capture_logs() as logs:
            page = await browse(HOA).post(BULK, data=chosen(*cases, *(uuid4() for _ in range(5))))
    finally:
        await owner.execute("alter table approver.away rename to cases")
        await owner.close()
    assert page.status_code == 503 and "8 cases could not be decided just now." in words(page)
    assert page.text.count('name="registration_id"') == 8
    assert len([line for line in logs if line["event"] == "did not approve one of many"]) == 8


@pytest.mark.parametrize(
    ("ids", "note", "says"),
    [
        ([], "Giữ lại", "Nothing was approved: no case was selected."),
        ([GOOD, *(UUID(int=n) for n in range(100, 150))], "Giữ lại", "no more than 50 cases are approved at once."),
        ([GOOD], "x" * 1001, "the note is too long. Please use 1000 characters or fewer."),
        ([GOOD], "a\x07b", "please use plain text in the note."),
    ],
    ids=["none", "51", "long note", "control character"],
)
async def test_what_cannot_be_taken_approves_nothing_and_comes_back_with_all_that_was_chosen_and_typed(
    approver: Service, browse: Browse, cases: list[UUID], ids: list[UUID], note: str, says: str
) -> None:
    back = "/cases?show=unclaimed&q=good"
    page = await browse(HOA).post(BULK, data=chosen(*ids, note=note, back=back))
    assert page.status_code == 422 and says in words(page)
    assert f'name="note" maxlength="1000" value="{note.replace(chr(7), chr(0xFFFD))}"' in page.text
    assert len(re.findall(r'name="registration_id"[^>]* checked>', page.text)) == (GOOD in ids)
    assert "also@x.vn" not in page.text and f'name="back" value="{html.escape(back)}"' in page.text
    assert await told(approver.database) == []


@pytest.mark.parametrize(
    "back", ["https://evil.example/cases?q=x", "//evil.example", "javascript:alert(1)", "http://["]
)
async def test_the_way_back_leads_to_the_queue_wherever_it_was_said_to_lead(
    browse: Browse, cases: list[UUID], back: str
) -> None:
    page = await browse(HOA).post(BULK, data=chosen(GOOD, back=back))
    assert "evil" not in page.text and "javascript" not in page.text
    assert re.search(r'<a href="/cases(\?q=x)?">Back to the cases</a>', page.text)


async def test_only_staff_approve_and_a_reload_of_the_summary_is_the_queue(
    approver: Service, browse: Browse, cases: list[UUID]
) -> None:
    assert (await browse(None).post(BULK, data=chosen(*cases))).status_code == 401
    assert (await browse(PARTNER).post(BULK, data=chosen(*cases))).status_code == 403
    assert await told(approver.database) == []
    assert (await browse(HOA).get(BULK)).headers["location"] == "/cases"


async def test_an_ended_session_gives_the_choice_back_whole(browse: Browse, cases: list[UUID]) -> None:
    page = await browse(None).post(BULK, data=chosen(*cases, note="Giữ lại"))
    assert all(f'value="{it}"' in page.text for it in [*cases, "Giữ lại"])


async def test_enter_in_a_box_approves_nothing_by_mistake(approver: Service, browse: Browse, cases: list[UUID]) -> None:
    """A browser without JavaScript presses the first button of the form that can be pressed."""
    hoa = browse(HOA)
    form = (await hoa.get("/cases")).text.partition('<form id="bulk"')[2]
    first = re.search(r'<button name="([^"]+)" value="([^"]+)"', form.partition("<button>")[0])
    assert first
    page = await hoa.post(BULK, data=chosen(GOOD, **{first[1]: first[2]}))
    assert page.status_code == 422 and "Nothing was approved yet." in words(page)
    assert re.search(rf'value="{GOOD}"[^>]* checked>', page.text)
    assert await told(approver.database) == []
