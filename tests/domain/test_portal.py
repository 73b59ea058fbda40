"""What partners see depends on what happened, never on the order in which the portal heard of it."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal import asks, domain
from services.portal.asks import Asked, Obstacle, Refused
from services.portal.domain import FINAL, TRANSITIONS, Decided, Registration, Status
from services.portal.facts import DETAILS, Fact
from services.portal.pages.timeline import timeline
from shared.events import ConfirmationResendRequested, Outcome, RegistrationWithdrawn
from shared.history import NO_EFFECT, TRANSITION, Entry
from tests.services.portal.facts import (
    ID,
    START,
    STORY,
    approved,
    closed,
    confirmed,
    minutes,
    opened,
    requested,
    resend_refused,
    sent,
    undeliverable,
)

BY = "an@partner.example"
ENDS: tuple[Fact, ...] = (approved(), *(closed(outcome, "a reason") for outcome in Outcome))


def told(*facts: Fact, before: Registration | None = None) -> Decided:
    return domain.read(facts, {ID: before or domain.missing(facts[0])})


def after(*facts: Fact, before: Registration | None = None) -> Registration:
    return told(*facts, before=before).changed[ID]


def in_batches(facts: Sequence[Fact], sizes: Sequence[int], row: Registration) -> tuple[Registration, list[Entry]]:
    left, lines = list(facts), list[Entry]()
    for size in [*sizes, len(left)]:
        batch, left = left[:size], left[size:]
        if batch:
            decided = told(*batch, before=row)
            row = decided.changed[ID]
            lines += decided.history
    return row, lines


def what_is_shown(history: Sequence[Entry]) -> list[tuple[object, ...]]:
    return [(line.event, line.at, line.actor, line.reason) for line in timeline(history)]


@st.composite
def shuffled(draw: st.DrawFn) -> list[Fact]:
    """The whole story with one end, in any order, with repetitions."""
    story: list[Fact] = [*STORY, draw(st.sampled_from(ENDS))]
    again = draw(st.lists(st.sampled_from(story), max_size=8))
    return draw(st.permutations([*story, *again]))


def ours() -> Registration:
    """Registered here, and nothing heard of it yet."""
    return domain.requested(requested())[0]


def with_everything_asked() -> Registration:
    resend = asks.resend(after(opened(), before=ours()), BY, minutes(13))
    assert isinstance(resend, Asked)
    withdrawal = asks.withdraw(resend.registration, BY, "Nhầm", minutes(30))
    assert isinstance(withdrawal, Asked)
    return withdrawal.registration


@given(
    facts=shuffled(),
    sizes=st.lists(st.integers(1, 5), max_size=5),
    begun=st.sampled_from([None, ours(), with_everything_asked()]),
)
def test_any_order_and_any_repetition_ends_in_the_same_row_with_the_same_timeline(
    facts: list[Fact], sizes: list[int], begun: Registration | None
) -> None:
    in_order = (*STORY, next(fact for fact in facts if fact in ENDS))
    row, lines = in_batches(facts, sizes, begun or domain.missing(facts[0]))
    expected_row, expected_lines = in_batches(in_order, [], begun or domain.missing(in_order[0]))
    assert row == expected_row
    assert what_is_shown(lines) == what_is_shown(expected_lines)
    assert [line[0] for line in what_is_shown(lines)] == [fact.type() for fact in in_order]


@given(facts=shuffled())
def test_decisions_never_leave_the_table_and_each_stage_is_reached_once(facts: list[Fact]) -> None:
    kinds = {kind.type(): kind for _before, kind in TRANSITIONS}
    moves = [entry for entry in told(*facts).history if entry.note == TRANSITION]
    for move in moves:
        assert move.status_from is not None
        assert move.status_to in TRANSITIONS[Status(move.status_from), kinds[move.event]]
    versions = [move.version for move in moves]
    assert versions == sorted(set(versions))


@given(facts=st.permutations([*STORY, *ENDS]))
def test_a_final_status_never_changes(facts: list[Fact]) -> None:
    row = domain.missing(facts[0])
    for fact in facts:
        later = after(fact, before=row)
        assert row.status not in FINAL or later.status is row.status
        assert later.status.stage >= row.status.stage
        row = later


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        (opened(), "awaiting_confirmation"),
        (sent(), "awaiting_confirmation"),
        (resend_refused(), "requested"),
        (undeliverable(), "awaiting_confirmation"),
        (confirmed(), "awaiting_approval"),
        (approved(), "approved"),
        *((closed(outcome), outcome.value) for outcome in Outcome),
    ],
)
def test_each_fact_leads_to_its_status(fact: Fact, status: str) -> None:
    assert after(fact).status == status


def test_of_two_ends_that_exclude_each_other_the_second_changes_nothing_at_all() -> None:
    ended = after(approved())
    assert after(closed(Outcome.WITHDRAWN, "too late"), before=ended) == ended


def test_a_mail_heard_of_first_waits_for_its_details() -> None:
    early = after(sent())
    assert (early.customer_email, early.common_name, early.resends_left) == (None, None, 3)
    late = after(opened(), before=early)
    assert (late.customer_email, late.common_name, late.resends_left) == ("khach@example.com", "Khách Một", 3)


def test_a_later_confirmation_mail_replaces_the_earlier_one() -> None:
    row = after(sent(2), sent(1))
    assert (row.mail_number, row.mail_sent_at, row.valid_until) == (2, minutes(20), minutes(2000))


def test_a_mail_sent_after_one_that_failed_takes_the_warning_away() -> None:
    failed = after(sent(1), undeliverable(12))
    assert failed.undeliverable == "550 no mailbox 12"
    assert after(sent(2), before=failed).undeliverable is None


def test_a_newer_refusal_of_a_resend_replaces_the_older_one() -> None:
    row = after(resend_refused(20, "limit"), resend_refused(14, "too_soon"))
    assert (row.resend_refused_at, row.resend_refused_code) == (minutes(20), "limit")


def test_a_newer_failure_replaces_the_older_one() -> None:
    assert after(undeliverable(25), undeliverable(12)).undeliverable == "550 no mailbox 25"


def test_the_dates_are_those_of_what_happened() -> None:
    row = after(confirmed(), opened())
    assert (row.requested_at, row.changed_at) == (minutes(1), minutes(40))
    assert after(opened(), before=ours()).requested_at == START


def test_reasons_are_kept() -> None:
    row = after(closed(Outcome.REFUSED, "not_registered", "too_many_open"))
    assert row.reasons == ("not_registered", "too_many_open")


def test_a_fact_that_comes_again_is_noted_and_changes_nothing() -> None:
    decided = told(opened(), opened())
    assert [entry.note for entry in decided.history] == [TRANSITION, NO_EFFECT]
    assert decided.changed[ID] == after(opened())


def test_a_fact_that_brings_details_after_its_status_is_not_noted_as_one_without_effect() -> None:
    history = told(sent(1), opened(), opened()).history
    assert [(entry.event, entry.note) for entry in history] == [
        ("ConfirmationSent", TRANSITION),
        ("ConfirmationSent", "number 1"),
        ("RegistrationOpened", DETAILS),
        ("RegistrationOpened", NO_EFFECT),
    ]


@pytest.mark.parametrize(
    "foreign",
    [opened(partner_id="p-2", customer_email="other@example.com"), resend_refused(partner_id="p-2")],
)
def test_another_partners_fact_never_reaches_a_partners_registration(foreign: Fact) -> None:
    decided = told(foreign, before=ours())
    assert decided.misfits == [(foreign, "registration_id_reused")]
    assert not decided.changed
    assert not decided.history


LATER = minutes(100)
SENT = (opened(), sent(1, resends_left=1, next_resend_at=LATER))


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        ((resend_refused(),), LATER, Obstacle.NOT_PENDING),
        ((confirmed(),), LATER, Obstacle.NOT_PENDING),
        ((approved(),), LATER, Obstacle.NOT_PENDING),
        ((closed(Outcome.EXPIRED),), LATER, Obstacle.NOT_PENDING),
        ((sent(4),), LATER, Obstacle.LIMIT),
        (SENT, minutes(99), Obstacle.TOO_SOON),
        (SENT, LATER, None),
        ((sent(1, resends_left=1, next_resend_at=None),), START, None),
        ((opened(),), START, None),
        ((*SENT, undeliverable(12)), minutes(13), None),  # only notifier knows what the failed mail left
        ((sent(4), undeliverable(60)), LATER, None),
    ],
)
def test_a_resend_is_asked_of_notifier_unless_what_it_said_rules_it_out(
    facts: tuple[Fact, ...], now: datetime, expected: Obstacle | None
) -> None:
    row = after(*facts)
    answer = asks.resend(row, BY, now)
    if expected:
        assert answer == Refused(expected)
        return
    assert isinstance(answer, Asked)
    assert answer.event == ConfirmationResendRequested(
        registration_id=ID, partner_id="p-1", requested_by=BY, requested_at=now
    )
    assert (answer.registration.resend_requested_at, answer.registration.resend_requested_by) == (now, BY)
    assert answer.registration.status is row.status


def test_what_notifier_refused_as_one_too_many_is_not_asked_again_though_the_mail_failed() -> None:
    known = after(opened(), sent(1), undeliverable(12), resend_refused(15, "limit"))
    assert asks.resend(known, BY, LATER) == asks.Refused(asks.Obstacle.LIMIT)


@pytest.mark.parametrize(
    "answer",
    [
        sent(2),
        sent(2, sent_at=minutes(11)),  # by a clock that is behind
        resend_refused(15),
        undeliverable(16),
        undeliverable(13),
    ],
)
def test_a_resend_is_asked_again_only_after_an_answer(answer: Fact) -> None:
    known = (opened(), sent(1), undeliverable(12), resend_refused(13))
    first = asks.resend(after(*known), BY, minutes(15))
    assert isinstance(first, Asked)
    unanswered = after(*known, resend_refused(14), before=first.registration)
    assert asks.resend(unanswered, BY, LATER) is None
    assert isinstance(asks.resend(after(answer, before=unanswered), BY, LATER), Asked)


@pytest.mark.parametrize("row", [ours(), after(opened()), after(confirmed())], ids=lambda row: row.status)
def test_a_registration_is_withdrawn_while_it_is_open_and_once(row: Registration) -> None:
    first = asks.withdraw(row, BY, "Nhầm khách", LATER)
    assert isinstance(first, Asked)
    assert first.event == RegistrationWithdrawn(
        registration_id=ID, partner_id="p-1", withdrawn_by=BY, reason="Nhầm khách", withdrawn_at=LATER
    )
    assert first.registration.status is row.status
    assert first.registration.withdrawal_under_way
    assert asks.withdraw(first.registration, "binh@partner.example", "Lý do khác", LATER) is None
    assert asks.resend(first.registration, BY, LATER) == Refused(Obstacle.BEING_WITHDRAWN)


@pytest.mark.parametrize("end", ENDS)
def test_what_has_ended_is_not_withdrawn(end: Fact) -> None:
    row = after(end)
    expected = None if row.status is Status.WITHDRAWN else Refused(Obstacle.ALREADY_ENDED)
    assert asks.withdraw(row, BY, None, LATER) == expected


@pytest.mark.parametrize("ask", ["resend", "withdraw"])
def test_what_a_partner_asks_is_a_note_and_no_move(ask: str) -> None:
    row = after(opened())
    asked = asks.resend(row, BY, LATER) if ask == "resend" else asks.withdraw(row, BY, "Vì <thế>", LATER)
    assert isinstance(asked, Asked)
    assert asked.line.note.startswith("asked ")
    assert (asked.line.status_from, asked.line.status_to, asked.line.version) == (row.status, row.status, 2)
    assert (asked.line.event, asked.line.actor, asked.line.at) == (asked.event.type(), BY, LATER)
    assert asked.line.reason == (None if ask == "resend" else "Vì <thế>")
    assert asked.registration.changed_at == LATER


def test_of_two_ends_only_the_one_that_counts_is_shown() -> None:
    history = told(approved(), closed(Outcome.WITHDRAWN)).history
    assert [line.event for line in timeline(history)] == ["RegistrationApproved"]
