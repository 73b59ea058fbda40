"""What partners see depends on what happened, never on the order in which the portal heard of it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal import domain
from services.portal.domain import FINAL, TRANSITIONS, Decided, Fact, Registration, Status
from shared.events import Outcome
from shared.history import NO_EFFECT, TRANSITION
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
    sent,
    undeliverable,
)

ENDS: tuple[Fact, ...] = (approved(), *(closed(outcome, "a reason") for outcome in Outcome))


def told(*facts: Fact, before: Registration | None = None) -> Decided:
    return domain.read(facts, {ID: before or domain.missing(facts[0])})


def after(*facts: Fact, before: Registration | None = None) -> Registration:
    return told(*facts, before=before).changed[ID]


def in_batches(facts: Sequence[Fact], sizes: Sequence[int], row: Registration) -> Registration:
    left = list(facts)
    for size in [*sizes, len(left)]:
        batch, left = left[:size], left[size:]
        if batch:
            row = after(*batch, before=row)
    return row


@st.composite
def shuffled(draw: st.DrawFn) -> list[Fact]:
    """The whole story with one end, in any order, with repetitions."""
    story: list[Fact] = [*STORY, draw(st.sampled_from(ENDS))]
    again = draw(st.lists(st.sampled_from(story), max_size=8))
    return draw(st.permutations([*story, *again]))


@given(facts=shuffled(), sizes=st.lists(st.integers(1, 5), max_size=5), ours=st.booleans())
def test_any_order_and_any_repetition_ends_in_the_same_row(facts: list[Fact], sizes: list[int], *, ours: bool) -> None:
    end = next(fact for fact in facts if fact in ENDS)
    row, _entry = domain.requested(requested())
    told_row = in_batches(facts, sizes, row if ours else domain.missing(facts[0]))
    in_order = (*STORY, end)
    assert told_row == in_batches(in_order, [], row if ours else domain.missing(in_order[0]))


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


def test_a_newer_failure_replaces_the_older_one() -> None:
    assert after(undeliverable(25), undeliverable(12)).undeliverable == "550 no mailbox 25"


def test_the_dates_are_those_of_what_happened() -> None:
    row = after(confirmed(), opened())
    assert (row.requested_at, row.changed_at) == (minutes(1), minutes(40))
    ours, _entry = domain.requested(requested())
    assert after(opened(), before=ours).requested_at == START


def test_reasons_are_kept() -> None:
    row = after(closed(Outcome.REFUSED, "not_registered", "too_many_open"))
    assert row.reasons == ("not_registered", "too_many_open")


def test_a_fact_that_comes_again_is_noted_and_changes_nothing() -> None:
    decided = told(opened(), opened())
    assert [entry.note for entry in decided.history] == [TRANSITION, NO_EFFECT]
    assert decided.changed[ID] == after(opened())


def test_another_partners_fact_never_reaches_a_partners_registration() -> None:
    row, _entry = domain.requested(requested())
    foreign = opened(partner_id="p-2", customer_email="other@example.com")
    decided = told(foreign, before=row)
    assert decided.misfits == [(foreign, "registration_id_reused")]
    assert not decided.changed
