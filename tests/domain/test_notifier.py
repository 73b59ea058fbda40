"""Notifier's decisions: one confirmation a registration, answered once, and which mails are owed to whom."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given

from services.notifier import domain
from services.notifier.domain import (
    TRANSITIONS,
    Confirmation,
    Final,
    Mail,
    MailKind,
    NoLongerOpen,
    Policy,
    Status,
)
from shared import events
from shared.events import CustomerConfirmed, CustomerDeclined, Event, Locale, Outcome, RegistrationOpened
from shared.history import NO_EFFECT, Entry
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
)

POLICY = Policy(valid_for=15 * DAY, resend_interval=HOUR, resend_limit=3)
CLICK_CONFIRM, CLICK_DECLINE = "confirm", "decline"
Step = RegistrationOpened | Final | str


class Notifier:
    """Notifier with dicts in place of its tables; a mail owed twice is one, as the queue's key has it."""

    def __init__(self) -> None:
        self.confirmations: dict[UUID, Confirmation] = {}
        self.history: list[Entry] = []
        self.mails: list[Mail] = []
        self.told: list[Event] = []

    def hears(self, *batch: RegistrationOpened | Final, at: datetime = NOW) -> "Notifier":
        first = [event for event in batch if isinstance(event, RegistrationOpened)]
        finals = [event for event in batch if not isinstance(event, RegistrationOpened)]
        if first:
            self._keep(domain.open_confirmations(first, self.confirmations, POLICY, at))
        if finals:
            self._keep(domain.end_confirmations(finals, self.confirmations, at))
        return self

    def clicks(self, answer: str, at: datetime = NOW) -> CustomerConfirmed | CustomerDeclined | NoLongerOpen | None:
        told = domain.confirm(self.it, at) if answer == CLICK_CONFIRM else domain.decline(self.it, "Không quen", at)
        if isinstance(told, CustomerConfirmed | CustomerDeclined):
            self._keep(domain.answered(self.it, told, at))
        return told

    @property
    def it(self) -> Confirmation:
        return self.confirmations[ONE]

    def owed(self) -> set[MailKind]:
        return {mail.kind for mail in self.mails}

    def _keep(self, decided: domain.Decided) -> None:
        self.confirmations |= decided.new | decided.changed
        self.history += decided.history
        self.mails += decided.mails
        self.told += decided.told


def test_an_opened_registration_is_asked_about_by_one_mail_whose_link_is_valid_for_the_period() -> None:
    notifier = Notifier().hears(opened(), opened())
    assert notifier.mails == [Mail(ONE, MailKind.CONFIRMATION, number=1, period=1)]
    assert (notifier.it.status, notifier.it.valid_until) == (Status.PENDING, NOW + 15 * DAY)
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


def test_a_decline_click_declines_with_its_reason() -> None:
    notifier = Notifier().hears(opened())
    assert notifier.clicks(CLICK_DECLINE) == declined(reason="Không quen")
    assert notifier.it.status is Status.DECLINED
    assert notifier.history[-1].reason == "Không quen"


def test_a_decline_needs_no_reason() -> None:
    told = domain.decline(Notifier().hears(opened()).it, None, NOW)
    assert told == declined(reason=None)


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
def test_the_same_answer_again_says_nothing_again(answer: str) -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(answer)
    assert notifier.clicks(answer) is None
    assert notifier.clicks(answer, NOW + 100 * DAY) is None
    assert len(notifier.told) == 1


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [(CLICK_CONFIRM, CLICK_DECLINE, Status.CONFIRMED), (CLICK_DECLINE, CLICK_CONFIRM, Status.DECLINED)],
)
def test_the_other_answer_after_the_first_is_refused_and_says_what_stands(
    first: str, then: str, status: Status
) -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(first)
    assert notifier.clicks(then) == NoLongerOpen(status, None)
    assert notifier.it.status is status


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
def test_the_link_works_until_the_end_of_its_period_and_not_at_it(answer: str) -> None:
    end = NOW + 15 * DAY
    late = Notifier().hears(opened())
    assert late.clicks(answer, end) == NoLongerOpen(Status.PENDING, None)
    assert late.told == []
    just = Notifier().hears(opened())
    assert not isinstance(just.clicks(answer, end - timedelta(microseconds=1)), NoLongerOpen)


@pytest.mark.parametrize("answer", [CLICK_CONFIRM, CLICK_DECLINE])
@pytest.mark.parametrize(
    ("final", "outcome"),
    [
        (registration_approved(), "approved"),
        (registration_closed(outcome=Outcome.WITHDRAWN), "withdrawn"),
        (registration_closed(outcome=Outcome.REJECTED), "rejected"),
    ],
)
def test_an_answer_after_the_end_is_refused_and_says_what_ended_it(answer: str, final: Final, outcome: str) -> None:
    notifier = Notifier().hears(opened()).hears(final)
    assert notifier.clicks(answer) == NoLongerOpen(Status.VOID, outcome)
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


def test_a_sent_mail_starts_the_period_anew_and_says_how_many_are_left() -> None:
    it = Notifier().hears(opened()).it
    after, told = domain.sent(it, 1, POLICY, NOW + HOUR)
    assert after.valid_until == told.valid_until == NOW + HOUR + 15 * DAY
    assert (told.number, told.sent_at, told.resends_left) == (1, NOW + HOUR, 3)
    assert told.next_resend_at == NOW + 2 * HOUR
    assert after.version == it.version


@pytest.mark.parametrize(("number", "left"), [(1, 3), (2, 2), (3, 1), (4, 0), (5, 0)])
def test_the_last_mail_says_that_no_other_may_be_asked_for(number: int, left: int) -> None:
    _, told = domain.sent(Notifier().hears(opened()).it, number, POLICY, NOW)
    assert told.resends_left == left
    assert (told.next_resend_at is None) == (left == 0)


def test_an_undeliverable_mail_is_told_and_changes_nothing_itself() -> None:
    told = domain.undeliverable(Notifier().hears(opened()).it, "550 no such user", NOW)
    assert (told.registration_id, told.partner_id, told.detail, told.failed_at) == (ONE, "p-1", "550 no such user", NOW)


STEPS: list[Step] = [
    opened(),
    registration_approved(),
    registration_closed(outcome=Outcome.REJECTED),
    registration_closed(outcome=Outcome.DECLINED),
    registration_closed(outcome=Outcome.WITHDRAWN),
    CLICK_CONFIRM,
    CLICK_DECLINE,
]


def play(batches: Sequence[Sequence[Step]]) -> Notifier:
    """Events in batches; clicks between them, by one who has the link."""
    notifier = Notifier()
    for batch in batches:
        take(notifier, batch)
    return notifier


def take(notifier: Notifier, batch: Sequence[Step]) -> None:
    notifier.hears(*(step for step in batch if not isinstance(step, str)))
    for step in batch:
        if isinstance(step, str) and ONE in notifier.confirmations:
            notifier.clicks(step)


@given(split(some_of(STEPS, most=10)))
def test_no_mail_is_owed_twice_in_any_order_and_number(batches: list[list[Step]]) -> None:
    assert all(count == 1 for count in Counter(play(batches).mails).values())


@given(split(some_of(STEPS, most=10)))
def test_the_customer_answers_once_and_hears_one_end_at_most(batches: list[list[Step]]) -> None:
    notifier = play(batches)
    assert len(notifier.told) <= 1
    ends = notifier.owed() & {MailKind.CUSTOMER_APPROVED, MailKind.CUSTOMER_REJECTED}
    assert len(ends) <= 1
    assert len(notifier.owed() & {MailKind.PARTNER_APPROVED, MailKind.PARTNER_CLOSED}) <= 1


@given(split(some_of(STEPS, most=10)))
def test_the_first_end_stands_whatever_comes_after(batches: list[list[Step]]) -> None:
    notifier = Notifier()
    outcome: str | None = None
    for batch in batches:
        take(notifier, batch)
        if ONE in notifier.confirmations:
            assert outcome in (None, notifier.it.outcome)
            outcome = notifier.it.outcome


@given(split(some_of(STEPS, most=10)))
def test_decisions_never_leave_the_table_and_versions_have_no_gap(batches: list[list[Step]]) -> None:
    """An end that a confirmation was answered before is kept beside its status: it leaves the status as it was."""
    version = 0
    for line in play(batches).history:
        if line.note:
            assert line.version == version
            continue
        assert line.version == version + 1
        version = line.version
        if line.status_from != line.status_to:
            before = Status(line.status_from) if line.status_from else None
            assert Status(line.status_to) in TRANSITIONS[before, getattr(events, line.event)]
        else:
            assert line.status_from in (Status.CONFIRMED, Status.DECLINED)


def test_the_table_says_what_registrars_final_word_does_to_an_answered_confirmation() -> None:
    notifier = Notifier().hears(opened())
    notifier.clicks(CLICK_CONFIRM)
    line = notifier.hears(registration_approved()).history[-1]
    assert (Status(line.status_from or ""), events.RegistrationApproved) in TRANSITIONS
