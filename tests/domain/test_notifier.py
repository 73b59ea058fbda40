"""Notifier's decisions: one confirmation a registration, answered once, and which mails are owed to whom."""

import operator
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier import answers, periods
from services.notifier.answers import NoLongerOpen, Settled
from services.notifier.domain import TRANSITIONS, Final, Mail, MailKind, Status
from shared import events
from shared.events import Locale, Outcome
from shared.history import NO_EFFECT
from tests.domain.batches import some_of, split
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    confirmed,
    declined,
    opened,
    registration_approved,
    registration_closed,
    resend_requested,
)
from tests.domain.notifier import CLICK_CONFIRM, CLICK_DECLINE, POLICY, Heard, Notifier

ASKED = Mail(ONE, MailKind.CONFIRMATION)


def test_an_opened_registration_is_asked_about_by_one_mail_and_nobodys_time_runs_before_it_has_left() -> None:
    notifier = Notifier().hears(opened(), opened())
    assert notifier.mails == [Mail(ONE, MailKind.CONFIRMATION, number=1, period=1)]
    assert (notifier.it.status, notifier.it.valid_until, notifier.it.due_at) == (Status.PENDING, None, None)
    assert [line.note for line in notifier.history] == ["", NO_EFFECT]


def test_it_keeps_what_the_mails_say() -> None:
    it = Notifier().hears(opened(locale=Locale.EN)).it
    assert (it.locale, it.requester_locale, it.requested_by) == (Locale.EN, Locale.EN, "staff@partner.example")
    assert (it.partner_name, it.customer_email) == (opened().partner_name, opened().customer_email)


def test_a_confirm_click_confirms_and_says_all_of_it() -> None:
    notifier = Notifier().hears(opened())
    told = notifier.clicks(CLICK_CONFIRM, NOW + HOUR)
    assert told == confirmed(confirmed_at=NOW + HOUR)
    assert (notifier.it.status, notifier.it.version, notifier.it.answered_at) == (Status.CONFIRMED, 2, NOW + HOUR)
    assert (notifier.history[-1].actor, notifier.history[-1].at) == (notifier.it.customer_email, NOW + HOUR)


def test_a_decline_click_declines_with_its_reason() -> None:
    notifier = Notifier().hears(opened())
    assert notifier.clicks(CLICK_DECLINE) == declined(reason="Không quen")
    assert notifier.it.status is Status.DECLINED
    assert notifier.history[-1].reason == "Không quen"


def test_a_decline_needs_no_reason() -> None:
    told = answers.decline(Notifier().hears(opened()).it, None, NOW)
    assert told == declined(reason=None)


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
def test_the_same_answer_again_says_nothing_again(answer: str) -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(answer)
    assert notifier.clicks(answer) is None
    assert notifier.clicks(answer, NOW + 100 * DAY) is None
    assert len(notifier.told) == 1


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [(CLICK_CONFIRM, CLICK_DECLINE, Settled.CONFIRMED), (CLICK_DECLINE, CLICK_CONFIRM, Settled.DECLINED)],
)
def test_the_other_answer_after_the_first_is_refused_and_says_what_stands_since_when(
    first: str, then: str, code: Settled
) -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(first)
    assert notifier.clicks(then, NOW + HOUR) == NoLongerOpen(code, NOW)
    assert notifier.it.status.value == code.value


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
@pytest.mark.parametrize("expired", [False, True])  # by the scheduler, that may come later
def test_the_link_works_until_the_end_of_its_period_and_not_at_it(answer: str, *, expired: bool) -> None:
    end = NOW + 15 * DAY
    late = Notifier().hears(opened()).mail_server_answers(ASKED)
    if expired:
        late.acts(end + HOUR)
    said = list(late.told)
    assert late.clicks(answer, end) == NoLongerOpen(Settled.EXPIRED, end)
    assert late.told == said
    just = Notifier().hears(opened()).mail_server_answers(ASKED)
    assert not isinstance(just.clicks(answer, end - timedelta(microseconds=1)), NoLongerOpen)


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
def test_the_link_works_however_long_its_mail_was_on_its_way(answer: str) -> None:
    assert not isinstance(Notifier().hears(opened()).clicks(answer, NOW + 100 * DAY), NoLongerOpen)


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
@pytest.mark.parametrize(
    ("final", "code"),
    [
        (registration_approved(approved_at=NOW + HOUR), Settled.APPROVED),
        (registration_closed(outcome=Outcome.WITHDRAWN, closed_at=NOW + HOUR), Settled.WITHDRAWN),
        (registration_closed(outcome=Outcome.REJECTED, closed_at=NOW + HOUR), Settled.REJECTED),
    ],
)
def test_an_answer_after_the_end_is_refused_and_says_what_ended_it_and_when(
    answer: str, final: Final, code: Settled
) -> None:
    notifier = Notifier().hears(opened()).hears(final)
    assert notifier.clicks(answer) == NoLongerOpen(code, NOW + HOUR)
    assert notifier.told == []


@pytest.mark.parametrize("final", [registration_approved(), registration_closed()])
def test_an_end_read_before_the_opening_leaves_it_void_and_the_customer_is_not_asked(final: Final) -> None:
    notifier = Notifier().hears(final).hears(opened())
    assert (notifier.it.status, notifier.it.valid_until) == (Status.VOID, None)
    assert MailKind.CONFIRMATION not in notifier.owed()
    assert isinstance(notifier.clicks(CLICK_CONFIRM), NoLongerOpen)


@pytest.mark.parametrize("confirmed_first", [True, False])
def test_an_approval_is_told_to_customer_and_partner(*, confirmed_first: bool) -> None:
    notifier = Notifier().hears(opened())
    if confirmed_first:
        notifier.clicks(CLICK_CONFIRM)
    notifier.hears(registration_approved())
    assert notifier.owed() == {MailKind.CONFIRMATION, MailKind.CUSTOMER_APPROVED, MailKind.PARTNER_APPROVED}
    assert notifier.it.status is (Status.CONFIRMED if confirmed_first else Status.VOID)
    assert notifier.it.outcome == "approved"


def test_an_approval_read_first_of_all_is_told_to_both() -> None:
    assert Notifier().hears(registration_approved()).owed() == {MailKind.CUSTOMER_APPROVED, MailKind.PARTNER_APPROVED}


def test_a_rejection_is_told_to_a_customer_who_had_confirmed_and_to_no_other() -> None:
    had = Notifier().hears(opened())
    had.clicks(CLICK_CONFIRM)
    had.hears(registration_closed(outcome=Outcome.REJECTED))
    assert had.owed() == {MailKind.CONFIRMATION, MailKind.CUSTOMER_REJECTED, MailKind.PARTNER_CLOSED}
    had_not = Notifier().hears(opened()).hears(registration_closed(outcome=Outcome.REJECTED))
    assert had_not.owed() == {MailKind.CONFIRMATION, MailKind.PARTNER_CLOSED}


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (Outcome.REFUSED, {MailKind.PARTNER_CLOSED}),
        (Outcome.DECLINED, {MailKind.PARTNER_CLOSED}),
        (Outcome.EXPIRED, {MailKind.PARTNER_CLOSED}),
        (Outcome.REJECTED, {MailKind.PARTNER_CLOSED}),
        (Outcome.WITHDRAWN, set()),  # the partner's own doing, and the customer was never asked
    ],
)
def test_an_end_before_any_asking_is_told_to_the_partner_alone_and_not_its_own_withdrawal(
    outcome: Outcome, kinds: set[MailKind]
) -> None:
    notifier = Notifier().hears(registration_closed(outcome=outcome, locale=None, reasons=("not_registered",)))
    assert notifier.owed() == kinds
    assert (notifier.it.reasons, notifier.it.outcome) == (("not_registered",), outcome.value)


def test_a_declined_confirmation_stays_declined_when_registrar_closes_it() -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(CLICK_DECLINE)
    notifier.hears(registration_closed(outcome=Outcome.DECLINED))
    assert (notifier.it.status, notifier.it.outcome) == (Status.DECLINED, "declined")
    assert notifier.owed() == {MailKind.CONFIRMATION, MailKind.PARTNER_CLOSED}


def test_the_end_again_or_another_end_changes_nothing() -> None:
    notifier = Notifier().hears(opened()).hears(registration_approved(), registration_approved())
    before, mails = dict(notifier.confirmations), list(notifier.mails)
    notifier.hears(registration_approved()).hears(registration_closed())
    assert (notifier.confirmations, notifier.mails) == (before, mails)
    assert [line.note for line in notifier.history] == ["", "", NO_EFFECT, NO_EFFECT, NO_EFFECT]


def test_a_withdrawal_is_told_to_a_customer_whose_mail_had_left_and_to_no_other() -> None:
    withdrawn = registration_closed(outcome=Outcome.WITHDRAWN)
    assert Notifier().hears(opened()).hears(withdrawn).owed() == {MailKind.CONFIRMATION}
    asked = Notifier().hears(opened()).mail_server_answers(ASKED)
    assert asked.hears(withdrawn).owed() == {MailKind.CONFIRMATION, MailKind.CUSTOMER_WITHDRAWN}


def test_a_withdrawal_is_told_to_a_customer_whose_mail_had_left_in_an_earlier_period_only() -> None:
    notifier = Notifier().hears(opened()).mail_server_answers(ASKED)
    notifier.hears(resend_requested(), at=NOW + HOUR).hears(registration_closed(outcome=Outcome.WITHDRAWN))
    assert MailKind.CUSTOMER_WITHDRAWN in notifier.owed()


def test_a_withdrawal_is_told_once_to_a_customer_who_answered_before_the_servers_answer_came() -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(CLICK_CONFIRM)
    notifier.hears(registration_closed(outcome=Outcome.WITHDRAWN)).mail_server_answers(ASKED)
    assert notifier.owed() == {MailKind.CONFIRMATION, MailKind.CUSTOMER_WITHDRAWN}
    assert notifier.owed_twice == []


def test_a_withdrawal_while_the_mail_was_in_flight_is_told_to_the_customer_when_the_mail_is_accepted() -> None:
    notifier = Notifier().hears(opened()).hears(registration_closed(outcome=Outcome.WITHDRAWN))
    assert MailKind.CUSTOMER_WITHDRAWN not in notifier.owed()
    notifier.mail_server_answers(ASKED)
    assert MailKind.CUSTOMER_WITHDRAWN in notifier.owed()
    assert (notifier.it.status, notifier.it.valid_until) == (Status.VOID, None)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.WITHDRAWN])
def test_a_mail_accepted_after_another_end_owes_no_withdrawal(outcome: Outcome) -> None:
    notifier = Notifier().hears(opened()).hears(registration_closed(outcome=outcome)).mail_server_answers(ASKED)
    assert MailKind.CUSTOMER_WITHDRAWN not in notifier.owed()


@pytest.mark.parametrize("final", [registration_approved(), registration_closed(outcome=Outcome.EXPIRED)])
def test_an_expired_confirmation_stays_expired_when_registrars_word_comes(final: Final) -> None:
    notifier = Notifier().hears(opened()).mail_server_answers(ASKED).acts(NOW + 15 * DAY).hears(final)
    assert notifier.it.status is Status.EXPIRED
    assert isinstance(notifier.clicks(CLICK_CONFIRM, NOW + 15 * DAY), NoLongerOpen)


Step = Heard | str
SENT, REFUSED, TICK = "the mail server accepts", "the mail server refuses", "the scheduler acts"
STEPS: list[Step] = [
    opened(),
    registration_approved(),
    registration_closed(outcome=Outcome.REJECTED),
    registration_closed(outcome=Outcome.DECLINED),
    registration_closed(outcome=Outcome.EXPIRED),
    registration_closed(outcome=Outcome.WITHDRAWN),
    resend_requested(),
    resend_requested(at=NOW + HOUR),
    resend_requested(at=NOW + DAY),
    resend_requested(partner_id="p-2", at=NOW + 2 * DAY),
    CLICK_CONFIRM,
    CLICK_DECLINE,
    SENT,
    REFUSED,
    TICK,
]
WAITS = st.sampled_from([timedelta(0), timedelta(minutes=30), HOUR, DAY, 7 * DAY, 15 * DAY])
OFTEN: list[Step] = [*STEPS, *[SENT, TICK] * 4]  # what happens in most lives
BEGINNINGS = st.sampled_from([[], [(timedelta(0), [opened()])], [(timedelta(0), [opened(), SENT])]])
GOING_ON = st.lists(st.tuples(WAITS, st.lists(st.sampled_from(OFTEN), min_size=1, max_size=3)), max_size=12)
LIVES = st.builds(operator.add, BEGINNINGS, GOING_ON)
Life = Sequence[tuple[timedelta, Sequence[Step]]]


def play(life: Life) -> Notifier:
    """Batches of events, and between them what people, the mail server and the clock do."""
    notifier, now = Notifier(), NOW
    for wait, batch in life:
        now += wait
        take(notifier, batch, now)
    return notifier


def take(notifier: Notifier, batch: Sequence[Step], now: datetime) -> None:
    notifier.hears(*(step for step in batch if not isinstance(step, str)), at=now)
    for step in batch:
        if not isinstance(step, str) or ONE not in notifier.confirmations:
            continue
        if step in (CLICK_CONFIRM, CLICK_DECLINE):
            notifier.clicks(step, now)
        elif step == TICK:
            notifier.acts(now)
        elif notifier.queued:  # one in flight, whatever has happened since it was claimed
            notifier.mail_server_answers(notifier.queued[0], None if step == SENT else "550 no such user", now)


@given(LIVES)
def test_no_mail_is_owed_twice_in_any_order_and_number(life: Life) -> None:
    assert play(life).owed_twice == []


@given(LIVES)
def test_the_customer_answers_once_and_hears_one_end_at_most(life: Life) -> None:
    notifier = play(life)
    answers = [name for name in notifier.types() if name in ("CustomerConfirmed", "CustomerDeclined")]
    assert len(answers) + notifier.types().count("ConfirmationExpired") <= 1
    ends = {MailKind.CUSTOMER_APPROVED, MailKind.CUSTOMER_REJECTED, MailKind.CUSTOMER_WITHDRAWN}
    assert len(notifier.owed() & ends) <= 1
    assert len(notifier.owed() & {MailKind.PARTNER_APPROVED, MailKind.PARTNER_CLOSED}) <= 1


@given(LIVES)
def test_decisions_never_leave_the_table_and_versions_have_no_gap(life: Life) -> None:
    version = 0
    for line in play(life).history:
        if line.note:
            assert line.version == version
            continue
        assert line.version == version + 1
        version = line.version
        before = Status(line.status_from) if line.status_from else None
        assert Status(line.status_to) in TRANSITIONS[before, getattr(events, line.event)]


@given(LIVES)
def test_after_every_step_what_is_due_and_what_the_page_says_follow_from_the_rest(life: Life) -> None:
    notifier, now = Notifier(), NOW
    for wait, batch in life:
        now += wait
        take(notifier, batch, now)
        for it in notifier.confirmations.values():
            assert it.due_at == periods.due_at(it, POLICY)
            said = answers.settled(it, now)
            assert said is None or it.status is not Status.PENDING or said.code is Settled.EXPIRED
            assert (it.status is Status.PENDING) or said


@given(LIVES)
def test_no_reminder_leaves_after_the_end_nor_two_for_one_moment(life: Life) -> None:
    """Whatever came before: from some moment on the scheduler and the mail server do their work every day."""
    notifier, reminders = play(life), []
    notifier.hears(opened(), at=NOW)
    start = NOW + sum((wait for wait, _ in life), timedelta(0))
    for day in range(60):
        now = start + day * DAY
        open_before = notifier.it.status is Status.PENDING
        left = [mail for mail in notifier.acts(now).sends(now) if mail.kind is MailKind.REMINDER]
        assert len(left) <= 1
        assert not left or (open_before and notifier.it.status is Status.PENDING)
        reminders += left
    assert len(reminders) == len(set(reminders)) <= len(POLICY.reminders_before)
    assert notifier.it.status is not Status.PENDING
    assert notifier.it.due_at is None


@given(split(some_of([step for step in STEPS if not isinstance(step, str)], most=10)))
def test_the_first_end_stands_whatever_comes_after(batches: list[list[Heard]]) -> None:
    notifier = Notifier()
    outcome: str | None = None
    for batch in batches:
        notifier.hears(*batch)
        if ONE in notifier.confirmations:
            assert outcome in (None, notifier.it.outcome)
            outcome = notifier.it.outcome


FACTS: list[Heard] = [opened(), resend_requested(), resend_requested(at=NOW + HOUR), registration_approved()]


@given(split(st.permutations([*FACTS, *FACTS])))
def test_facts_in_any_order_and_number_end_alike(batches: list[list[Heard]]) -> None:
    """Whether a resend was refused as too soon or too late depends on the order; what is left does not."""
    notifier = Notifier()
    for batch in batches:
        notifier.hears(*batch)
    it, usual = notifier.it, Notifier().hears(*FACTS).it
    assert it._replace(status=usual.status, version=usual.version) == usual
    assert it.status is Status.VOID
    assert all(resend.answer for resend in notifier.resends.values())
    assert notifier.types() == ["ConfirmationResendRefused"] * 2
    assert {MailKind.CUSTOMER_APPROVED, MailKind.PARTNER_APPROVED} <= notifier.owed()
