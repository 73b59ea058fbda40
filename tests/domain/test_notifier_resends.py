"""Asking for the mail once more: each request is answered once, and the answer is the same in any order of arrival."""

from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain import Mail, MailKind, Status
from services.notifier.resends import Answer
from shared.events import ConfirmationResendRefused, ConfirmationSent, Outcome
from shared.history import WRONG_PARTNER
from tests.domain.batches import split
from tests.domain.facts import DAY, HOUR, NOW, ONE, TWO, opened, registration_closed, resend_requested
from tests.domain.notifier import CLICK_CONFIRM, CLICK_DECLINE, POLICY, Heard, Notifier

FIRST = Mail(ONE, MailKind.CONFIRMATION)
MOMENT = timedelta(microseconds=1)


def answer(notifier: Notifier) -> Answer | None:
    [resend] = notifier.resends.values()
    return resend.answer


def asked() -> Notifier:
    return Notifier().hears(opened()).mail_server_answers(FIRST)


def refused_by_the_mail_server() -> Notifier:
    return Notifier().hears(opened()).mail_server_answers(FIRST, "550 no", at=NOW + HOUR / 2)


def on_its_way() -> Notifier:
    return Notifier().hears(opened())


def left_late() -> Notifier:
    return Notifier().hears(opened()).mail_server_answers(FIRST, at=NOW + DAY)


def used_up() -> Notifier:
    notifier = asked()
    notifier.confirmations[ONE] = notifier.it._replace(period=4)
    return notifier


def clicked(how: str) -> Notifier:
    notifier = asked()
    notifier.clicks(how)
    return notifier


def closed() -> Notifier:
    return asked().hears(registration_closed(outcome=Outcome.WITHDRAWN))


CASES = [
    (asked(), HOUR, Answer.ACCEPTED),
    (asked(), HOUR - MOMENT, Answer.TOO_SOON),
    (on_its_way(), HOUR, Answer.ACCEPTED),
    (on_its_way(), HOUR - MOMENT, Answer.TOO_SOON),
    (left_late(), DAY + HOUR, Answer.ACCEPTED),
    (left_late(), DAY + HOUR - MOMENT, Answer.TOO_SOON),
    (refused_by_the_mail_server(), HOUR, Answer.ACCEPTED),  # counted from when the mail was asked for
    (refused_by_the_mail_server(), HOUR - MOMENT, Answer.TOO_SOON),
    (asked(), 16 * DAY, Answer.ACCEPTED),  # over, but nobody has expired it yet
    (used_up(), DAY, Answer.LIMIT),
    (asked().acts(NOW + 15 * DAY), 16 * DAY, Answer.NOT_PENDING),
    (clicked(CLICK_CONFIRM), DAY, Answer.NOT_PENDING),
    (clicked(CLICK_DECLINE), DAY, Answer.NOT_PENDING),
    (closed(), DAY, Answer.NOT_PENDING),
    (Notifier().hears(registration_closed()), DAY, Answer.NOT_PENDING),
]


@pytest.mark.parametrize(("notifier", "wait", "expected"), CASES)
def test_a_resend_is_accepted_or_refused_by_its_reason(notifier: Notifier, wait: timedelta, expected: Answer) -> None:
    notifier = deepcopy(notifier)  # the table's own may be needed again in this process
    before, told = notifier.it, list(notifier.told)
    owed, lines = list(notifier.mails), len(notifier.history)
    now = NOW + wait
    notifier.hears(resend_requested(), at=now)
    assert answer(notifier) is expected
    line = notifier.history[-1]
    assert (line.event, line.actor) == ("ConfirmationResendRequested", "staff@partner.example")
    assert len(notifier.history) == lines + 1
    if expected is Answer.ACCEPTED:
        it = notifier.it
        assert (it.status, it.period, it.asked_at, it.valid_until) == (Status.PENDING, before.period + 1, now, None)
        assert (it.undeliverable, it.reminded, it.sent_at, it.due_at) == (False, 0, None, None)
        assert (it.mailed, it.version) == (before.mailed, before.version + 1)
        assert notifier.mails == [*owed, Mail(ONE, MailKind.CONFIRMATION, period=2)]
        assert (line.note, notifier.told) == ("", told)
    else:
        assert notifier.it == before
        assert notifier.mails == owed
        assert line.note == f"{expected}, asked 2026-07-01T09:00:00Z"
        refused = ConfirmationResendRefused(
            registration_id=ONE,
            partner_id="p-1",
            requested_at=NOW,
            code=expected.value,  # type: ignore[arg-type]
        )
        assert notifier.told == [*told, refused]


def test_another_partners_resend_changes_nothing_is_told_to_nobody_and_noted() -> None:
    notifier = asked()
    before, told = notifier.it, list(notifier.told)
    notifier.hears(resend_requested(partner_id="p-2"), at=NOW + DAY)
    assert (notifier.it, notifier.told, answer(notifier)) == (before, told, Answer.WRONG_PARTNER)
    assert (notifier.history[-1].note, notifier.history[-1].reason) == (WRONG_PARTNER, "p-2")


@pytest.mark.parametrize("held", [False, True])
def test_a_strangers_request_of_the_same_moment_takes_the_place_of_nobodys(held: bool) -> None:
    both = (resend_requested(partner_id="p-2"), resend_requested())
    for first, second in (both, both[::-1]):
        notifier = Notifier() if held else asked()
        notifier.hears(first, at=NOW + DAY).hears(second, at=NOW + DAY)
        if held:
            notifier.hears(opened(), at=NOW + DAY)
        answers = {partner: resend.answer for (_, _, partner), resend in notifier.resends.items()}
        assert answers == {"p-1": Answer.TOO_SOON if held else Answer.ACCEPTED, "p-2": Answer.WRONG_PARTNER}


def test_the_same_request_again_changes_nothing_whatever_time_it_is() -> None:
    notifier = asked().hears(resend_requested(), resend_requested(), at=NOW)
    lines, told = list(notifier.history), list(notifier.told)
    notifier.hears(resend_requested(), at=NOW + DAY)
    assert (notifier.history, notifier.told, notifier.it.period) == (lines, told, 1)


def test_of_two_requests_that_were_read_together_after_an_outage_the_second_is_too_soon() -> None:
    notifier = asked().hears(resend_requested(at=NOW + 3 * HOUR), resend_requested(at=NOW + 2 * HOUR), at=NOW + DAY)
    assert [resend.answer for _, resend in sorted(notifier.resends.items())] == [Answer.ACCEPTED, Answer.TOO_SOON]
    assert notifier.it.period == 2


def test_the_moment_that_was_told_is_the_first_at_which_a_resend_is_accepted() -> None:
    notifier = left_late()
    [told] = notifier.told
    assert isinstance(told, ConfirmationSent) and told.next_resend_at
    early, right = notifier, left_late()
    early.hears(resend_requested(), at=told.next_resend_at - MOMENT)
    right.hears(resend_requested(), at=told.next_resend_at)
    assert (answer(early), answer(right)) == (Answer.TOO_SOON, Answer.ACCEPTED)


def test_as_many_resends_are_accepted_as_are_allowed() -> None:
    notifier, now = asked(), NOW
    for _ in range(6):
        now += DAY
        notifier.hears(resend_requested(at=now), at=now).sends(now)
    left = [event.resends_left for event in notifier.told if isinstance(event, ConfirmationSent)]
    assert left == [3, 2, 1, 0]
    refused = [event.code for event in notifier.told if isinstance(event, ConfirmationResendRefused)]
    assert refused == ["limit"] * 3
    assert len({line.note for line in notifier.history if line.note}) == 3


@pytest.mark.parametrize(("first", "code"), [(opened(), Answer.TOO_SOON), (registration_closed(), Answer.NOT_PENDING)])
def test_a_resend_read_before_its_registration_is_held_and_decided_with_it(first: Heard, code: Answer) -> None:
    notifier = Notifier().hears(resend_requested(at=NOW + HOUR), resend_requested(), resend_requested(TWO))
    assert (notifier.told, notifier.history) == ([], [])
    notifier.hears(first, at=NOW + DAY)
    told = [event for event in notifier.told if isinstance(event, ConfirmationResendRefused)]
    assert [(event.requested_at, event.code) for event in told] == [(NOW, code), (NOW + HOUR, code)]
    assert [line.note.partition(",")[0] for line in notifier.history] == ["", code, code]
    assert {resend.answer for (about, *_), resend in notifier.resends.items() if about == TWO} == {None}


def test_a_held_resend_of_another_partner_is_noted_when_the_registration_comes() -> None:
    notifier = Notifier().hears(resend_requested(partner_id="p-2")).hears(opened())
    assert (answer(notifier), notifier.told) == (Answer.WRONG_PARTNER, [])


REQUESTS: list[Heard] = [opened(), *(resend_requested(at=NOW + n * HOUR) for n in range(3))]


@given(split(st.permutations([*REQUESTS, *REQUESTS])))
def test_each_request_is_answered_once_in_any_order_and_number(batches: list[list[Heard]]) -> None:
    notifier, now = Notifier(), NOW
    for batch in batches:
        now += 2 * HOUR
        notifier.hears(*batch, at=now)
    assert all(resend.answer for resend in notifier.resends.values())
    accepted = [resend for resend in notifier.resends.values() if resend.answer is Answer.ACCEPTED]
    assert notifier.it.period == 1 + len(accepted) <= 1 + POLICY.resend_limit
    assert notifier.types().count("ConfirmationResendRefused") == 3 - len(accepted)
    assert notifier.owed_twice == []


@pytest.mark.usefixtures("elsewhere")
def test_history_says_who_asked_and_when_that_was_answered_and_tells_one_request_from_the_next() -> None:
    notifier = asked()
    notifier.hears(resend_requested(at=NOW + HOUR), resend_requested(at=NOW + 2 * HOUR), at=NOW + DAY)
    notifier.hears(resend_requested(partner_id="p-2"), at=NOW + 2 * DAY)
    lines = [line for line in notifier.history if line.event == "ConfirmationResendRequested"]
    assert [(line.actor, line.at, line.note, line.reason) for line in lines] == [
        ("staff@partner.example", NOW + DAY, "", None),
        ("staff@partner.example", NOW + DAY, "too_soon, asked 2026-07-01T11:00:00Z", None),
        ("staff@partner.example", NOW + 2 * DAY, WRONG_PARTNER, "p-2"),
    ]
