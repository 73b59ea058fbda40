"""Each refusal and each end of a case is a sentence in the reader's language: who decided what, and when."""

from collections.abc import Awaitable, Callable

import pytest

from services.approver.refusals import RefusalCode
from shared.events import Locale, Outcome
from shared.service import Service
from tests.domain.facts import (
    HOUR,
    NOW,
    account_updated,
    confirmed,
    registration_approved,
    registration_closed,
)
from tests.services.approver.staff import BINH, CASE, HOA, Browse, hears, reading, words
from tests.services.conftest import MovableClock

Step = Callable[[Service, Browse], Awaitable[object]]


def hoa_posts(action: str, **fields: str) -> Step:
    async def step(_approver: Service, browse: Browse) -> None:
        assert (await browse(HOA).post(f"{CASE}/{action}", data=fields)).status_code == 303

    return step


def hearing(*events: object) -> Step:
    return lambda approver, _browse: hears(approver, *events)


def closed(outcome: Outcome) -> Step:
    return hearing(registration_closed(outcome=outcome, closed_at=NOW - HOUR))


async def catching_up(approver: Service, _browse: Browse) -> None:
    """It was started a moment ago."""
    approver.consumer.catching_up.done = False


POSTED = {RefusalCode.CONDITIONS_CHANGED: {"override_reason": "agreed", "seen_codes": ""}}
"""Where it is more than a reason."""

WHEN = {Locale.EN: "1 Jul 2026, 16:00 (GMT+7)", Locale.VI: "01/07/2026 16:00 (GMT+7)"}
EARLIER = {Locale.EN: "1 Jul 2026, 15:00 (GMT+7)", Locale.VI: "01/07/2026 15:00 (GMT+7)"}
UNTIL = {Locale.EN: "1 Jul 2026, 20:00 (GMT+7)", Locale.VI: "01/07/2026 20:00 (GMT+7)"}
NO_EFFECT = {Locale.EN: "Your answer did not take effect.", Locale.VI: "Thao tác của bạn không có hiệu lực."}


def said(sentence: str, locale: Locale) -> str:
    return sentence.format(when=WHEN[locale], earlier=EARLIER[locale], until=UNTIL[locale], no_effect=NO_EFFECT[locale])


# The code, what happened before, what Bình posts, the status of the answer, the sentence in English and Vietnamese.
REFUSALS: list[tuple[RefusalCode, Step, str, int, str, str]] = [
    (
        RefusalCode.CASE_ALREADY_DECIDED, hoa_posts("approve"), "reject", 409,
        "This case was approved by hoa@vng.example, {when}. {no_effect}",
        "Hồ sơ này đã được phê duyệt bởi hoa@vng.example, {when}. {no_effect}",
    ),
    (
        RefusalCode.CASE_ALREADY_DECIDED, hoa_posts("reject", reason="no"), "approve", 409,
        "This case was rejected by hoa@vng.example, {when}. {no_effect}",
        "Hồ sơ này đã bị từ chối bởi hoa@vng.example, {when}. {no_effect}",
    ),
    (
        RefusalCode.CASE_ALREADY_DECIDED, hearing(account_updated(version=2, vng_customer=True)), "claim", 409,
        "This case was approved by the rule for current customers, {when}. {no_effect}",
        "Hồ sơ này đã được phê duyệt bởi quy tắc dành cho khách hàng hiện hữu, {when}. {no_effect}",
    ),
    (
        RefusalCode.REGISTRATION_OVER, closed(Outcome.WITHDRAWN), "approve", 409,
        "Withdrawn by the partner, {earlier}. {no_effect}",
        "Đối tác đã rút lại đăng ký, {earlier}. {no_effect}",
    ),
    (
        RefusalCode.REGISTRATION_OVER, closed(Outcome.DECLINED), "reject", 409,
        "Declined by the customer, {earlier}. {no_effect}",
        "Khách hàng đã từ chối, {earlier}. {no_effect}",
    ),
    (
        RefusalCode.REGISTRATION_OVER, closed(Outcome.EXPIRED), "claim", 409,
        "Expired, {earlier}: the customer had not confirmed in time. {no_effect}",
        "Hết hạn, {earlier}: khách hàng không xác nhận đúng hạn. {no_effect}",
    ),
    (
        RefusalCode.REGISTRATION_OVER, closed(Outcome.REJECTED), "release", 409,
        "Rejected, {earlier}. {no_effect}",
        "Đã bị từ chối, {earlier}. {no_effect}",
    ),
    (
        RefusalCode.CASE_CLAIMED_BY_ANOTHER, hoa_posts("claim"), "approve", 409,
        "This case is claimed by hoa@vng.example until {until}. {no_effect}",
        "hoa@vng.example đang nhận xử lý hồ sơ này đến {until}. {no_effect}",
    ),
    (
        RefusalCode.CLAIM_OF_ANOTHER, hoa_posts("claim"), "release", 409,
        "claimed by hoa@vng.example until {until}. Only hoa@vng.example or an administrator can release it.",
        "này đến {until}. Chỉ hoa@vng.example hoặc quản trị viên mới có thể trả lại hồ sơ.",
    ),
    (
        RefusalCode.NO_LONGER_ELIGIBLE, hearing(account_updated(version=2, in_poc=True)), "approve", 422,
        "The account does not meet every condition. Give a reason to approve it nevertheless, or reject it.",
        "Tài khoản không đáp ứng đủ điều kiện. Vui lòng nêu lý do nếu vẫn phê duyệt, hoặc từ chối.",
    ),
    (
        RefusalCode.CONDITIONS_CHANGED, hearing(account_updated(version=2, in_poc=True)), "approve", 422,
        ("What you saw has changed meanwhile, so it was not approved. Look at it again, then decide. "
        "Not met now: The account is in a POC."),
        ("Những gì bạn đã xem nay đã thay đổi nên chưa được phê duyệt. Hãy xem lại rồi quyết định. "
        "Hiện chưa đáp ứng: Tài khoản đang trong chương trình POC."),
    ),
    (
        RefusalCode.FACTS_NOT_YET_READ, catching_up, "reject", 503,
        ("The newest facts about accounts are still being read, so nothing was changed. "
        "Please send it again in a moment."),
        "Hệ thống đang cập nhật thông tin tài khoản mới nhất nên chưa có gì thay đổi. Vui lòng gửi lại sau giây lát.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "before", "action", "status", "english", "vietnamese"),
    REFUSALS,
    ids=[f"{code}, {number}" for number, (code, *_) in enumerate(REFUSALS)],
)
async def test_a_refusal_says_in_both_languages_who_decided_what_and_when(
    approver: Service,
    browse: Browse,
    code: RefusalCode,
    before: Step,
    action: str,
    status: int,
    english: str,
    vietnamese: str,
) -> None:
    await hears(approver, account_updated(), confirmed())
    await before(approver, browse)
    for locale, sentence in ((Locale.EN, english), (Locale.VI, vietnamese)):
        answer = await browse(reading(BINH, locale)).post(f"{CASE}/{action}", data=POSTED.get(code, {"reason": "no"}))
        assert answer.status_code == status
        assert said(sentence, locale) in words(answer)


def test_every_refusal_has_its_sentence_tested() -> None:
    assert {code for code, *_ in REFUSALS} == set(RefusalCode)


REJECTS = hoa_posts("reject", reason="no")
# What Hoa decided, registrar's final word, the sentence in English and Vietnamese.
OVERTAKEN: list[tuple[Step, Step, str, str]] = [
    (
        hoa_posts("approve"), closed(Outcome.WITHDRAWN),
        "Withdrawn by the partner before the decision took effect, {earlier}.",
        "Đối tác đã rút lại đăng ký trước khi quyết định có hiệu lực, {earlier}.",
    ),
    (
        hoa_posts("approve"), closed(Outcome.DECLINED),
        "Declined by the customer before the decision took effect, {earlier}.",
        "Khách hàng đã từ chối trước khi quyết định có hiệu lực, {earlier}.",
    ),
    (
        REJECTS, closed(Outcome.EXPIRED),
        "Expired before the decision took effect, {earlier}.",
        "Đăng ký đã hết hạn trước khi quyết định có hiệu lực, {earlier}.",
    ),
    (
        hoa_posts("approve"), closed(Outcome.REJECTED),
        "Rejected before the decision took effect, {earlier}.",
        "Đăng ký đã bị từ chối trước khi quyết định có hiệu lực, {earlier}.",
    ),
    (
        REJECTS, hearing(registration_approved(approved_at=NOW - HOUR)),
        "Approved before the decision took effect, {earlier}.",
        "Đăng ký đã được phê duyệt trước khi quyết định có hiệu lực, {earlier}.",
    ),
    (
        REJECTS, closed(Outcome.REJECTED), "Final since {earlier}.", "Có hiệu lực cuối cùng từ {earlier}.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("decided", "final", "english", "vietnamese"), OVERTAKEN)
async def test_a_decision_that_was_overtaken_says_by_what_and_when(
    approver: Service,
    browse: Browse,
    clock: MovableClock,
    decided: Step,
    final: Step,
    english: str,
    vietnamese: str,
) -> None:
    """Registrar's time is told, not the time at which approver heard of it."""
    await hears(approver, account_updated(), confirmed())
    await decided(approver, browse)
    clock.now += 2 * HOUR
    await final(approver, browse)
    for locale, sentence in ((Locale.EN, english), (Locale.VI, vietnamese)):
        page = words(await browse(reading(HOA, locale)).get(CASE))
        assert said(sentence, locale) in page
        assert "not yet final" not in page and "chưa có hiệu lực" not in page


async def test_a_registration_that_was_refused_leaves_a_case_that_says_so(approver: Service, browse: Browse) -> None:
    await hears(approver, registration_closed(outcome=Outcome.REFUSED, closed_at=NOW - HOUR))
    for locale, sentence in (
        (Locale.EN, "Refused when the partner requested it, {earlier}."),
        (Locale.VI, "Không được chấp nhận ngay khi đối tác gửi yêu cầu, {earlier}."),
    ):
        assert said(sentence, locale) in words(await browse(reading(HOA, locale)).get(CASE))
