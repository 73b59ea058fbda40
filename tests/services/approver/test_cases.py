"""The queue of VNG's staff: who may look, who may decide, and what they see of a case."""

import asyncio
import html
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from shared.events import Billing, Locale
from shared.service import Service
from tests.domain.facts import (
    CUSTOMER,
    DAY,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    account_updated,
    confirmed,
    registration_approved,
    registration_closed,
)
from tests.purging import purge
from tests.services.approver.staff import ADMIN, BINH, CASE, HOA, PARTNER, Browse, hears, reading, words
from tests.services.conftest import MovableClock, rows, told

ACTIONS = ("claim", "release", "approve", "reject")


async def test_nobody_but_staff_sees_or_decides_cases(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(), confirmed())
    nobody, partner = browse(None), browse(PARTNER)
    for address in ("/cases", CASE):
        asked = await nobody.get(address)
        assert (asked.status_code, asked.headers["location"].split("?")[0]) == (303, "/auth/sign-in")
        assert (await partner.get(address)).status_code == 403
    for action in (*ACTIONS, "preview"):
        assert (await nobody.post(f"{CASE}/{action}")).status_code == 401
        assert (await partner.post(f"{CASE}/{action}")).status_code == 403
    assert await told(approver.database) == []


async def test_an_approval_counts_once_and_is_not_final_before_registrar_says_so(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    hoa = browse(HOA)
    assert CUSTOMER in (await hoa.get("/cases")).text
    assert (await hoa.post(f"{CASE}/approve", data={"note": "fine"})).status_code == 303
    assert (await hoa.post(f"{CASE}/approve")).status_code == 409
    assert await told(approver.database) == ["VngApproved"]
    assert "decided, not yet final: by hoa@vng.example" in words(await hoa.get(CASE))
    assert CUSTOMER not in (await hoa.get("/cases")).text
    await hears(approver, registration_approved())
    page = words(await hoa.get(CASE))
    assert "not yet final" not in page and "Final since" in page


async def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(approver: Service, browse: Browse) -> None:
    await hears(approver, account_updated(), confirmed())
    hoa = browse(HOA)
    missing = await hoa.post(f"{CASE}/reject", data={"reason": "  "})
    assert missing.status_code == 422 and "Please give a reason" in missing.text
    long = await hoa.post(f"{CASE}/reject", data={"reason": "x" * 1001})
    assert long.status_code == 422 and "x" * 1001 in long.text
    assert await told(approver.database) == []
    assert (await hoa.post(f"{CASE}/reject", data={"reason": "licence"})).status_code == 303
    assert await told(approver.database) == ["VngRejected"]


async def test_nothing_is_decided_before_the_facts_that_were_there_at_start_have_been_read(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    approver.consumer.catching_up.done = False
    for action in ("release", "approve", "reject"):
        early = await browse(HOA).post(f"{CASE}/{action}", data={"reason": "no"})
        assert early.status_code == 503 and early.headers["retry-after"]
    assert await told(approver.database) == []


async def test_what_is_sent_before_the_facts_have_been_read_stays_typed_and_is_taken_a_moment_later(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(in_poc=True), confirmed())
    hoa = browse(HOA)
    typed = {"note": "Đã gọi <khách>", "override_reason": "Ngoại lệ"}
    approver.consumer.catching_up.done = False
    early = await hoa.post(f"{CASE}/approve", data=typed)
    assert early.status_code == 503
    assert all(f"\n{html.escape(text)}</textarea>" in early.text for text in typed.values())
    assert "Giấy phép" in (await hoa.post(f"{CASE}/reject", data={"reason": "Giấy phép"})).text
    approver.consumer.catching_up.done = True
    assert (await hoa.post(f"{CASE}/approve", data=typed)).status_code == 303


async def test_who_may_not_decide_is_told_so_even_before_the_facts_have_been_read(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    await browse(HOA).post(f"{CASE}/claim")
    approver.consumer.catching_up.done = False
    for action in ("approve", "reject"):
        assert (await browse(BINH).post(f"{CASE}/{action}", data={"reason": "no"})).status_code == 409


async def test_an_account_that_no_longer_qualifies_is_approved_only_with_a_reason(
    approver: Service, browse: Browse
) -> None:
    changed = account_updated(version=2, credit_balance=5, billing=Billing.POSTPAID)
    await hears(approver, account_updated(), confirmed(), changed)
    hoa = browse(HOA)
    page = words(await hoa.get(CASE))
    assert "2 conditions are not met" in page
    assert "have no credit balance 5 VND Not met" in page and "be prepaid postpaid Not met" in page
    assert "use no services 0 Holds" in page
    assert (await hoa.post(f"{CASE}/approve", data={"note": "kept"})).status_code == 422
    assert (await hoa.post(f"{CASE}/approve", data={"override_reason": "agreed by phone"})).status_code == 303
    ((payload,),) = await rows(approver.database, "select payload::json ->> 'failing_codes' from outbox")
    assert payload == '["has_credit","not_prepaid"]'


async def test_a_condition_that_failed_while_the_page_was_open_is_seen_before_it_is_overridden(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(in_poc=True), confirmed())
    hoa = browse(HOA)
    seen = seen_codes(await hoa.get(CASE))
    await hears(approver, account_updated(version=2, in_poc=True, credit_balance=5))
    typed = {"override_reason": "Ngoại lệ", "note": "Đã gọi"}
    refused = await hoa.post(f"{CASE}/approve", data=typed | seen)
    assert refused.status_code == 422
    assert all(text in refused.text for text in typed.values())
    assert "Not met now: The account has a credit balance." in words(refused)
    assert await told(approver.database) == []
    assert (await hoa.post(f"{CASE}/approve", data=typed | seen_codes(refused))).status_code == 303
    ((payload,),) = await rows(approver.database, "select payload::json ->> 'failing_codes' from outbox")
    assert payload == '["has_credit","in_poc"]'


async def test_an_account_that_failed_no_condition_on_the_page_is_not_approved_once_it_does(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    hoa = browse(HOA)
    seen = seen_codes(await hoa.get(CASE))
    await hears(approver, account_updated(version=2, in_poc=True))
    refused = await hoa.post(f"{CASE}/approve", data={"note": "Đã gọi"} | seen)
    assert refused.status_code == 422 and "Đã gọi" in refused.text
    assert "What you saw has changed meanwhile, so it was not approved" in words(refused)


@pytest.mark.parametrize(
    "changed", [{"account_id": "another", "holder_name": "Somebody Else"}, {"in_poc": False}], ids=["account", "mended"]
)
async def test_nobody_approves_on_facts_that_they_did_not_see(
    approver: Service, browse: Browse, changed: dict[str, Any]
) -> None:
    await hears(approver, account_updated(in_poc="in_poc" in changed), confirmed())
    hoa = browse(HOA)
    page = await hoa.get(CASE)
    [mark] = re.findall(r'name="seen_facts" value="([^"]+)"', page.text)
    await hears(approver, account_updated(version=2, **changed))
    typed = {"note": "Đã gọi", "override_reason": "Giám đốc đồng ý"}
    refused = await hoa.post(f"{CASE}/approve", data=typed | seen_codes(page) | {"seen_facts": mark})
    assert refused.status_code == 422 and all(text in refused.text for text in typed.values())
    assert ("Every condition holds now." in words(refused)) and ("the reason below is not needed" in words(refused))
    assert await told(approver.database) == []
    [now] = re.findall(r'name="seen_facts" value="([^"]+)"', refused.text)
    assert (await hoa.post(f"{CASE}/approve", data=typed | {"seen_facts": now})).status_code == 303


def seen_codes(page: httpx2.Response) -> dict[str, str]:
    """What the page's form says that it showed."""
    [value] = re.findall(r'<input type="hidden" name="seen_codes" value="([^"]*)">', page.text)
    return {"seen_codes": value}


async def test_a_claimed_case_is_its_claimers_or_an_admins_until_the_claim_lapses(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await hears(approver, account_updated(), confirmed())
    hoa, binh, admin = browse(HOA), browse(BINH), browse(ADMIN)
    assert (await hoa.post(f"{CASE}/claim")).status_code == 303
    for action in ACTIONS:
        refused = await binh.post(f"{CASE}/{action}", data={"reason": "mine"})
        assert refused.status_code == 409 and "hoa@vng.example" in refused.text
    assert "Your decision" not in words(await binh.get(CASE))
    assert "Take over the claim" in words(await admin.get(CASE))
    assert (await admin.post(f"{CASE}/claim")).status_code == 303
    assert (await hoa.post(f"{CASE}/approve")).status_code == 409
    clock.now += timedelta(hours=4)
    assert (await binh.post(f"{CASE}/approve")).status_code == 303


async def test_a_claim_is_released_by_its_claimer_or_an_admin_and_then_anybody_decides(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    hoa, binh, admin = browse(HOA), browse(BINH), browse(ADMIN)
    for releasing in (hoa, admin):
        await hoa.post(f"{CASE}/claim")
        assert "Release the claim" in words(await releasing.get(CASE))
        assert (await releasing.post(f"{CASE}/release")).status_code == 303
        assert await rows(approver.database, "select claimed_by, claimed_until from cases") == [(None, None)]
    assert (await hoa.post(f"{CASE}/release")).status_code == 303
    assert (await binh.post(f"{CASE}/approve")).status_code == 303


async def test_releasing_a_claim_lets_the_policy_decide_on_what_the_account_became(
    approver: Service, browse: Browse
) -> None:
    await hears(approver, account_updated(), confirmed())
    hoa = browse(HOA)
    await hoa.post(f"{CASE}/claim")
    await hears(approver, account_updated(version=2, vng_customer=True))
    assert await told(approver.database) == []
    await hoa.post(f"{CASE}/release")
    assert await told(approver.database) == ["VngApproved"]
    page = words(await hoa.get(CASE))
    released = page.index("The claim was released · hoa@vng.example")
    assert page.index("The claim was released · Approved · the rule for current customers") > released


async def test_the_scheduler_ends_claims_and_tells_due_reviews_by_vietnams_calendar(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    """NOW is a Wednesday: the third business day after it is Monday."""
    await hears(approver, account_updated(), confirmed())
    await browse(HOA).post(f"{CASE}/claim")
    for at, expected in ((NOW + 4 * DAY, []), (NOW + 5 * DAY, ["ReviewDue"]), (NOW + 6 * DAY, ["ReviewDue"])):
        clock.now = at
        assert await approver.scheduler.catch_up(asyncio.Event())
        assert await told(approver.database) == expected
    assert await rows(approver.database, "select claimed_by from cases") == [(None,)]


@pytest.mark.parametrize(
    ("locale", "sentence", "table"),
    [
        (
            Locale.EN,
            "The account has changed since this case was opened.",
            "What Then Now Billing prepaid postpaid Credit balance 0 VND 5,000 VND POC no yes The account now",
        ),
        (
            Locale.VI,
            "Tài khoản đã thay đổi kể từ khi hồ sơ này được mở.",
            "Hiện tại Hình thức thanh toán trả trước trả sau Số dư credit 0 ₫ 5.000 ₫ POC không có Tài khoản hiện tại",
        ),
    ],
)
async def test_what_has_changed_since_the_opening_stands_beside_what_it_was(
    approver: Service, browse: Browse, locale: Locale, sentence: str, table: str
) -> None:
    await hears(approver, account_updated(), confirmed(), account_updated(version=2, locale=Locale.EN))
    reader = browse(reading(HOA, locale))
    assert sentence not in words(await reader.get(CASE))
    await hears(approver, account_updated(version=3, billing=Billing.POSTPAID, credit_balance=5000, in_poc=True))
    page = words(await reader.get(CASE))
    assert sentence in page and table in page


@pytest.mark.parametrize(
    ("locale", "table"),
    [
        (Locale.EN, "Now Account vng-1 vng-2 Holder Nguyễn Văn Khách Trần Khác The account now"),
        (Locale.VI, "Hiện tại Tài khoản vng-1 vng-2 Chủ tài khoản Nguyễn Văn Khách Trần Khác Tài khoản hiện tại"),
    ],
)
async def test_an_account_replaced_by_another_of_the_same_address_is_noticed(
    approver: Service, browse: Browse, locale: Locale, table: str
) -> None:
    await hears(approver, account_updated(account_id="vng-1"), confirmed())
    await hears(approver, account_updated(version=2, account_id="vng-2", holder_name="Trần Khác"))
    reader = browse(reading(HOA, locale))
    assert table in words(await reader.get(CASE))
    assert {Locale.EN: "Account changed", Locale.VI: "Tài khoản đã thay đổi"}[locale] in words(
        await reader.get("/cases")
    )


async def test_the_queue_shows_what_is_due_first_first_marks_what_is_overdue_and_what_has_changed(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    emails = {ONE: "one@x.vn", TWO: "two@x.vn", THREE: "three@x.vn"}
    await hears(approver, *map(account_updated, emails.values()))
    for registration_id in (TWO, ONE, THREE):
        await hears(
            approver,
            confirmed(registration_id, customer_email=emails[registration_id], confirmed_at=clock.now),
        )
        clock.now += HOUR
    await hears(approver, account_updated("one@x.vn", version=2, active_services=1))
    clock.now = NOW + 5 * DAY + HOUR  # when the second became due
    hoa = browse(HOA)
    table = (await hoa.get("/cases")).text.split("<tbody>")[1]
    lines = [" ".join(row.split()) for row in table.split("<tr>")[1:]]
    shown = [
        [email for email in emails.values() if email in line]
        + [mark for mark in ("Overdue", "Account changed") if mark in line]
        for line in lines
    ]
    assert shown == [["two@x.vn", "Overdue"], ["one@x.vn", "Overdue", "Account changed"], ["three@x.vn"]]
    assert "6 Jul 2026, 16:00 " in lines[0]


async def test_a_case_that_was_read_late_waits_since_its_customer_confirmed(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    clock.now = NOW + 6 * DAY
    await hears(approver, account_updated(), confirmed())
    hoa = browse(HOA)
    since, due = "1 Jul 2026, 16:00", "6 Jul 2026, 16:00"
    assert f"Waiting since {since} (GMT+7) Due {due} (GMT+7)" in words(await hoa.get(CASE))
    assert f"{since} {due} 1 business day overdue" in words(await hoa.get("/cases"))


@pytest.mark.parametrize(
    ("locale", "left"),
    [(Locale.EN, "more than 30 business days overdue"), (Locale.VI, "Quá hạn hơn 30 ngày làm việc")],
)
async def test_what_waits_for_very_long_is_overdue_by_more_than_anybody_counts(
    approver: Service, browse: Browse, clock: MovableClock, locale: Locale, left: str
) -> None:
    await hears(approver, account_updated(), confirmed())
    clock.now += 60 * DAY
    for address in ("/cases", CASE):
        assert left in words(await browse(reading(HOA, locale)).get(address))


@pytest.mark.parametrize(
    ("locale", "lines"),
    [
        (
            Locale.EN,
            [
                "1 Jul 2026, 16:00 (GMT+7) The case was claimed · hoa@vng.example",
                (
                    "1 Jul 2026, 17:00 (GMT+7) The claim was taken over · an@vng.example"
                    " · claimed before by hoa@vng.example"
                ),
                "1 Jul 2026, 18:00 (GMT+7) The claim was released · an@vng.example",
                (
                    "1 Jul 2026, 18:00 (GMT+7) VNG Cloud approved · Approved · binh@vng.example"
                    " · Ngoại lệ; despite has_credit; note: Đã gọi"
                ),
            ],
        ),
        (
            Locale.VI,
            [
                "01/07/2026 16:00 (GMT+7) Hồ sơ được nhận xử lý · hoa@vng.example",
                (
                    "01/07/2026 17:00 (GMT+7) Hồ sơ được tiếp quản · an@vng.example"
                    " · trước đó do hoa@vng.example nhận xử lý"
                ),
                "01/07/2026 18:00 (GMT+7) Hồ sơ được trả lại · an@vng.example",
            ],
        ),
    ],
)
async def test_the_history_of_a_case_says_who_held_it_and_all_that_was_said_of_its_approval(
    approver: Service, browse: Browse, clock: MovableClock, locale: Locale, lines: list[str]
) -> None:
    await hears(approver, account_updated(credit_balance=5), confirmed())
    for who, action in ((HOA, "claim"), (ADMIN, "claim"), (ADMIN, "release")):
        await browse(who).post(f"{CASE}/{action}")
        clock.now += HOUR
    clock.now -= HOUR
    await browse(BINH).post(f"{CASE}/approve", data={"override_reason": "Ngoại lệ", "note": "Đã gọi"})
    page = words(await browse(reading(HOA, locale)).get(CASE))
    found = [page.index(f"{line} ") for line in lines]
    assert found == sorted(found)
    assert not any(word in page for word in ("changed nothing", "không thay đổi gì"))


async def test_the_history_of_a_case_says_what_happened_who_did_it_why_and_when(
    approver: Service, browse: Browse, clock: MovableClock
) -> None:
    await hears(approver, account_updated(), confirmed(), confirmed())
    clock.now = NOW + 5 * DAY
    await approver.scheduler.catch_up(asyncio.Event())
    clock.now += HOUR
    await browse(HOA).post(f"{CASE}/reject", data={"reason": "Giấy phép <hết hạn>"})
    await hears(approver, registration_closed())
    page = words(await browse(HOA).get(CASE))
    history = page[page.index("History ") :]
    for line in (
        f"1 Jul 2026, 16:00 (GMT+7) The customer confirmed · Open · {CUSTOMER}",
        f"1 Jul 2026, 16:00 (GMT+7) The customer confirmed (changed nothing) · {CUSTOMER}",
        "6 Jul 2026, 16:00 (GMT+7) The review became due · the review system",
        "6 Jul 2026, 17:00 (GMT+7) VNG Cloud rejected · Rejected · hoa@vng.example · Giấy phép <hết hạn>",
        "6 Jul 2026, 17:00 (GMT+7) The registration was closed · the registration system · rejected",
    ):
        assert line in history


@pytest.mark.parametrize("registration_id", ["11111111-1111-4111-8111-111111111111", "not-an-id", "%00"])
async def test_an_unknown_or_malformed_case_is_a_404_page(browse: Browse, registration_id: object) -> None:
    hoa = browse(HOA)
    assert (await hoa.get(f"/cases/{registration_id}")).status_code == 404
    for action in (*ACTIONS, "preview"):
        assert (await hoa.post(f"/cases/{registration_id}/{action}")).status_code == 404


async def test_a_case_that_was_purged_is_still_shown_and_is_no_case_of_another_ones_account(
    approver: Service, browse: Browse, database_url: str
) -> None:
    await hears(approver, account_updated(), confirmed(), confirmed(TWO, customer_email="chi@example.vn"))
    hoa = browse(HOA)
    assert (await hoa.post(f"{CASE}/claim")).status_code == 303
    assert (await hoa.post(f"{CASE}/reject", data={"reason": "Hồ sơ của anh Khách thiếu"})).status_code == 303
    await hears(approver, registration_closed(), registration_closed(TWO, customer_email="chi@example.vn"))
    assert "approver: 2 cases blanked" in await purge(database_url)
    for address in (CASE, f"/cases/{TWO}", "/cases?show=decided"):
        page = await browse(BINH).get(address)
        assert page.status_code == 200 and "—" in page.text
        assert not [it for it in (CUSTOMER, "chi@", "Khách", HOA.email) if it in page.text]
    assert "of this account" not in (await browse(BINH).get(CASE)).text
