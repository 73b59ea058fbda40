"""The period in which a customer may answer: begun by the mail server, reminded of, ended once."""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier import mails, periods
from services.notifier.domain import Confirmation, Mail, MailKind, Policy, Status
from shared.events import ConfirmationExpired, ConfirmationSent, ConfirmationUndeliverable, Outcome
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    opened,
    registration_closed,
    resend_requested,
    review_due,
)
from tests.domain.notifier import CLICK_CONFIRM, POLICY, Notifier

FIRST, SECOND = Mail(ONE, MailKind.CONFIRMATION), Mail(ONE, MailKind.CONFIRMATION, period=2)
END = NOW + 15 * DAY
MOMENT = timedelta(microseconds=1)


def asked(policy: Policy = POLICY) -> Notifier:
    """Its mail has left at NOW."""
    return Notifier(policy).hears(opened()).mail_server_answers(FIRST)


def reminder(number: int, period: int = 1) -> Mail:
    return Mail(ONE, MailKind.REMINDER, number, period)


def reminders(notifier: Notifier) -> list[Mail]:
    return [mail for mail in notifier.mails if mail.kind is MailKind.REMINDER]


def test_the_period_begins_when_the_mail_server_accepts_the_mail() -> None:
    late = NOW + 40 * DAY  # the mail server was away
    notifier = Notifier().hears(opened()).acts(late).mail_server_answers(FIRST, at=late)
    it = notifier.it
    assert (it.status, it.valid_until, it.sent_at, it.mailed) == (Status.PENDING, late + 15 * DAY, late, True)
    assert notifier.told == [
        ConfirmationSent(registration_id=ONE, partner_id="p-1", number=1, sent_at=late, valid_until=late + 15 * DAY,
                         resends_left=3, next_resend_at=late + HOUR)
    ]  # fmt: skip
    line = notifier.history[-1]
    assert (line.event, line.actor, line.status_from, line.status_to, line.at) == (
        "ConfirmationSent", "notifier", "pending", "pending", late,
    )  # fmt: skip


def test_a_mail_refused_for_good_is_told_with_the_servers_words_and_the_registration_stays_open() -> None:
    notifier = Notifier().hears(opened()).mail_server_answers(FIRST, "550 no such user")
    it = notifier.it
    assert (it.status, it.valid_until, it.undeliverable, it.mailed) == (Status.PENDING, END, True, False)
    assert notifier.told == [
        ConfirmationUndeliverable(registration_id=ONE, partner_id="p-1", detail="550 no such user", failed_at=NOW)
    ]
    line = notifier.history[-1]
    assert (line.actor, line.reason, line.at) == ("notifier", "550 no such user", NOW)
    assert it.due_at == END, "nobody is reminded"
    assert notifier.mails == [FIRST, Mail(ONE, MailKind.PARTNER_UNDELIVERABLE)]
    notifier.acts(END - MOMENT)
    assert reminders(notifier) == []
    assert notifier.acts(END).it.status is Status.EXPIRED


def test_a_mail_refused_after_the_answer_is_just_a_failed_mail() -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(CLICK_CONFIRM)
    before = notifier.it
    assert notifier.mail_server_answers(FIRST, "550 no such user").it == before
    assert notifier.types() == ["CustomerConfirmed"]


def test_reminders_leave_at_their_moments_and_the_end_comes_at_its_own() -> None:
    notifier = asked()
    for moment, owed in (
        (END - 7 * DAY - MOMENT, []),
        (END - 7 * DAY, [reminder(1)]),
        (END - DAY - MOMENT, [reminder(1)]),
        (END - DAY, [reminder(1), reminder(2)]),
        (END - MOMENT, [reminder(1), reminder(2)]),
    ):
        assert reminders(notifier.acts(moment).acts(moment)) == owed
        assert notifier.it.status is Status.PENDING
    notifier.acts(END).acts(END)
    assert (notifier.it.status, notifier.it.ended_at, notifier.it.due_at) == (Status.EXPIRED, END, None)
    assert notifier.told[1:] == [ConfirmationExpired(registration_id=ONE, expired_at=END)]
    line = notifier.history[-1]
    assert (line.event, line.actor, line.at) == ("ConfirmationExpired", "notifier", END)
    assert (line.status_from, line.version, notifier.it.version) == ("pending", 3, 3)


@pytest.mark.parametrize(
    ("wakes", "owed", "expired"),
    [
        (END - 5 * DAY, [reminder(1)], False),  # one moment was missed
        (END - 2 * DAY, [], False),  # it was missed, and the next one is nearer
        (END - HOUR, [reminder(1)], False),  # both were missed: one mail says it all
        (END + 20 * DAY, [], True),
    ],
)
def test_what_was_missed_in_an_outage_is_made_up_for_once(wakes: datetime, owed: list[Mail], *, expired: bool) -> None:
    notifier = asked().acts(wakes).acts(wakes)
    assert reminders(notifier) == owed
    assert (notifier.types().count("ConfirmationExpired") == 1) == expired


def test_reminders_that_would_come_before_the_mail_itself_are_not_sent() -> None:
    policy = replace(POLICY, reminders_before=(20 * DAY, 15 * DAY, 7 * DAY))
    notifier = asked(policy).acts(NOW)
    assert reminders(notifier) == []
    assert notifier.it.due_at == END - 7 * DAY
    assert reminders(notifier.acts(END - 7 * DAY)) == [reminder(1)]


def test_without_reminders_there_is_the_end_only() -> None:
    assert asked(replace(POLICY, reminders_before=())).it.due_at == END


def test_an_answer_stops_reminders_and_the_end() -> None:
    notifier = asked()
    notifier.clicks(CLICK_CONFIRM)
    notifier.acts(END - 7 * DAY).acts(END)
    assert notifier.mails == [FIRST]
    assert notifier.it.status is Status.CONFIRMED


def test_the_period_after_a_resend_begins_anew_with_reminders_of_its_own() -> None:
    notifier = asked().acts(END - HOUR).hears(resend_requested(), at=END - HOUR)
    assert (notifier.it.due_at, notifier.it.reminded, notifier.it.reminded_to) == (None, 0, None)
    assert notifier.acts(END + 20 * DAY).it.status is Status.PENDING  # its mail has not left
    sent_at = END + 20 * DAY
    notifier.mail_server_answers(SECOND, at=sent_at)
    assert (notifier.it.period, notifier.it.valid_until) == (2, sent_at + 15 * DAY)
    notifier.acts(sent_at + 8 * DAY)
    assert reminders(notifier) == [reminder(1), reminder(1, period=2)]


def test_an_older_mail_that_is_accepted_late_neither_begins_nor_shortens_the_newer_period() -> None:
    notifier = Notifier().hears(opened()).hears(resend_requested(), at=NOW + HOUR)
    notifier.mail_server_answers(FIRST, at=NOW + 2 * HOUR)
    assert (notifier.it.valid_until, notifier.it.sent_at, notifier.it.mailed) == (None, None, True)
    notifier.mail_server_answers(SECOND, at=NOW + 3 * HOUR)
    sent = [event for event in notifier.told if isinstance(event, ConfirmationSent)]
    assert [(event.number, event.valid_until - 15 * DAY) for event in sent] == [
        (1, NOW + 2 * HOUR),
        (2, NOW + 3 * HOUR),
    ]
    assert notifier.it.valid_until == NOW + 3 * HOUR + 15 * DAY
    other_order = Notifier().hears(opened()).hears(resend_requested(), at=NOW + HOUR)
    other_order.mail_server_answers(SECOND, at=NOW + 2 * HOUR).mail_server_answers(FIRST, at=NOW + 3 * HOUR)
    assert other_order.it.valid_until == NOW + 2 * HOUR + 15 * DAY


def test_an_older_mail_that_is_refused_late_does_not_count_against_the_newer_period() -> None:
    notifier = Notifier().hears(opened()).hears(resend_requested(), at=NOW + HOUR)
    before = notifier.it
    assert notifier.mail_server_answers(FIRST, "550 no", at=NOW + 2 * HOUR).it == before
    assert notifier.told == []


@pytest.mark.parametrize(("period", "left"), [(1, 3), (2, 2), (3, 1), (4, 0), (5, 0)])
def test_the_last_mail_says_that_no_other_may_be_asked_for(period: int, left: int) -> None:
    it = Notifier().hears(opened()).it._replace(period=period)
    [told] = periods.sent(it, period, POLICY, NOW).told
    assert isinstance(told, ConfirmationSent)
    assert (told.resends_left, told.next_resend_at is None) == (left, left == 0)


@given(st.lists(st.sampled_from([timedelta(0), HOUR, DAY, 6 * DAY]), max_size=30))
def test_however_irregularly_the_scheduler_acts_it_goes_on_and_reminds_once_a_moment(waits: list[timedelta]) -> None:
    notifier, now = asked(), NOW
    for wait in waits:
        now += wait
        before = len(reminders(notifier))
        notifier.acts(now)
        assert notifier.it.due_at is None or notifier.it.due_at > now
        assert len(reminders(notifier)) - before <= 1
    assert notifier.owed_twice == []
    assert (notifier.it.status is Status.EXPIRED) == (now >= END)


def test_a_reminder_that_waited_does_not_leave_once_the_next_is_due_though_nobody_has_owed_that_yet() -> None:
    notifier = asked().acts(END - 7 * DAY)
    assert notifier.sends(END - DAY) == []
    assert notifier.acts(END - DAY).sends(END - DAY) == [reminder(2)]


def test_a_reminder_that_the_settings_drop_loses_no_other() -> None:
    notifier = asked().acts(END - 7 * DAY)
    notifier.policy = replace(POLICY, reminders_before=(DAY,))
    notifier.acts(END - DAY)
    assert reminders(notifier) == [reminder(1), reminder(2)]


def test_no_two_reminders_leave_close_to_each_other_however_late_the_first() -> None:
    for waited in (4 * DAY, 5 * DAY, 6 * DAY - timedelta(minutes=5)):
        notifier = asked().acts(END - 7 * DAY + waited).acts(END - DAY)
        assert reminders(notifier) == [reminder(1)], waited


@pytest.mark.parametrize("after", [(), (DAY,), (10 * DAY, 7 * DAY, DAY)])
def test_other_reminders_in_the_settings_keep_no_confirmation_due_for_ever(after: tuple[timedelta, ...]) -> None:
    notifier = asked().acts(END - 7 * DAY)
    notifier.policy = replace(POLICY, reminders_before=after)
    notifier.acts(END - DAY)
    assert notifier.it.due_at == END
    assert len(reminders(notifier)) <= 2


def at(**changes: Any) -> Confirmation:
    return asked().it._replace(**changes)


OVER = "the confirmation was over before"
NEARER = "the next reminder is nearer than the moment of this one"


@pytest.mark.parametrize(
    ("mail", "it", "why"),
    [
        (FIRST, at(valid_until=None), None),
        (FIRST, at(status=Status.CONFIRMED), OVER),
        (FIRST, at(period=2, valid_until=None), "superseded by a later confirmation mail"),
        (SECOND, at(period=2, valid_until=None), None),
        (reminder(1), at(reminded=1), None),
        (reminder(1), at(reminded=2), "superseded by a later reminder"),
        (reminder(2), at(reminded=2), None),
        (reminder(1), at(reminded=1, reminded_to=NOW - 3 * DAY, valid_until=NOW + 4 * DAY), None),
        (reminder(1), at(reminded=1, reminded_to=NOW - 4 * DAY, valid_until=NOW + 3 * DAY), NEARER),
        (reminder(2), at(reminded=2, reminded_to=NOW - HOUR, valid_until=NOW + 23 * HOUR), None),
        (reminder(2), at(period=2, valid_until=None), "superseded by a later confirmation mail"),
        (reminder(2), at(valid_until=NOW), OVER),
        (reminder(2), at(status=Status.EXPIRED), OVER),
        (Mail(ONE, MailKind.REVIEW_DUE), None, None),
        (Mail(ONE, MailKind.REVIEW_DUE), at(), None),
        (Mail(ONE, MailKind.REVIEW_DUE), at(outcome="withdrawn"), "the registration was decided before"),
        (Mail(ONE, MailKind.REVIEW_DUE_CLAIMER), at(outcome="approved"), "the registration was decided before"),
        (Mail(ONE, MailKind.CUSTOMER_APPROVED), at(outcome="approved"), None),
    ],
)
def test_a_mail_that_is_not_apt_any_more_is_not_sent(mail: Mail, it: Confirmation | None, why: str | None) -> None:
    said = mails.needless(mail, it, POLICY, NOW)
    assert said == (why and f"not sent: {why}")


def test_after_a_mail_outage_over_both_reminders_one_leaves() -> None:
    notifier = asked().acts(END - 7 * DAY).acts(END - DAY)
    assert notifier.sends(END - HOUR) == [reminder(2)]


def test_after_a_mail_outage_beyond_the_end_no_reminder_leaves() -> None:
    assert asked().acts(END - 7 * DAY).acts(END - DAY).acts(END).sends(END + HOUR) == []


def test_after_a_mail_outage_over_a_resend_one_mail_leaves() -> None:
    notifier = asked().acts(END - 7 * DAY).hears(resend_requested(), at=END - 6 * DAY)
    assert notifier.sends(END - 5 * DAY) == [SECOND]


def test_a_withdrawn_registration_is_not_reminded_of() -> None:
    notifier = asked().acts(END - 7 * DAY).hears(registration_closed(), at=END - 7 * DAY)
    assert reminder(1) not in notifier.sends(END - 7 * DAY)


def test_a_review_is_told_to_every_reader_and_to_who_has_claimed_the_case_but_nobody_twice() -> None:
    readers = ["lan@vng.example", "hoa@vng.example"]
    both = [Mail(ONE, MailKind.REVIEW_DUE, 1), Mail(ONE, MailKind.REVIEW_DUE, 2)]
    for claimer, more in ((None, []), ("hoa@vng.example", []),
                          ("an@vng.example", [Mail(ONE, MailKind.REVIEW_DUE_CLAIMER)])):  # fmt: skip
        review = mails.review_of(review_due(claimed_by=claimer))
        assert mails.review_mails(review, readers) == both + more


def test_a_review_is_kept_as_it_was_told() -> None:
    event = review_due(claimed_by="an@vng.example")
    kept = mails.Review(ONE, event.partner_name, event.customer_email, "an@vng.example", event.due_at)
    assert mails.review_of(event) == kept


def test_nothing_is_done_before_it_is_due_and_what_is_due_is_done_whatever_stands_before_it() -> None:
    answered, waiting, on_its_way = asked(), asked(), Notifier().hears(opened())
    answered.clicks(CLICK_CONFIRM)
    due = asked().it._replace(registration_id=TWO, valid_until=NOW + DAY, due_at=NOW + DAY)
    decided = periods.act_when_due([answered.it, waiting.it, on_its_way.it, due], POLICY, NOW + DAY)
    assert set(decided.changed) == {TWO}
    assert decided.told == [ConfirmationExpired(registration_id=TWO, expired_at=NOW + DAY)]


def test_no_reminder_is_late_while_nobodys_time_runs() -> None:
    assert not periods.is_late(NOW, Notifier().hears(opened()).it, POLICY, NOW)


def test_mails_accepted_together_count_as_one_by_one() -> None:
    other = Mail(TWO, MailKind.CONFIRMATION)
    notifier = Notifier().hears(opened(), opened(TWO)).hears(resend_requested(), at=NOW + HOUR)
    notifier.hears(registration_closed(TWO, outcome=Outcome.WITHDRAWN), at=NOW + HOUR)
    at, one_by_one = NOW + 2 * HOUR, deepcopy(notifier)
    for mail in (FIRST, other, SECOND):
        one_by_one.mail_server_answers(mail, at=at)
    decided = periods.all_sent([FIRST, other, SECOND], notifier.confirmations, POLICY, at)
    assert notifier.confirmations | decided.changed == one_by_one.confirmations
    assert notifier.told + decided.told == one_by_one.told
    assert notifier.history + decided.history == one_by_one.history
    assert notifier.mails + decided.mails == one_by_one.mails
    assert decided.mails == [Mail(TWO, MailKind.CUSTOMER_WITHDRAWN)]


def test_mails_that_may_have_arrived_count_as_gone_out_and_owe_their_readers_the_end() -> None:
    notifier = Notifier().hears(opened(), opened(TWO), opened(THREE))
    withdrawn = [registration_closed(it, outcome=Outcome.WITHDRAWN) for it in (ONE, THREE)]
    them = notifier.hears(*withdrawn).confirmations.values()
    decided = periods.all_gone_out(them)
    assert decided.changed == {it.registration_id: it._replace(mailed=True) for it in them}
    assert decided.mails == [Mail(it, MailKind.CUSTOMER_WITHDRAWN) for it in (ONE, THREE)]


def test_a_refused_mail_is_told_to_the_partner_once_for_each_period() -> None:
    notifier = Notifier().hears(opened()).mail_server_answers(FIRST, "550 no").hears(resend_requested(), at=NOW + HOUR)
    notifier.mail_server_answers(SECOND, "550 no", at=NOW + HOUR)
    told = [mail for mail in notifier.mails if mail.kind is MailKind.PARTNER_UNDELIVERABLE]
    assert told == [Mail(ONE, MailKind.PARTNER_UNDELIVERABLE, period=it) for it in (1, 2)]
