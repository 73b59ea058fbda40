"""The checker finds nothing in clean runs, and names the promise that a defect broke."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker import PROMISES, Record, check
from tests.checker.defects import DEFECTS, record
from tests.checker.runs import TOPICS, Life, Run, approved, clean

FROM_OUTSIDE = {
    TOPICS[event] for event in ("RegistrationRequested", "RegistrationWithdrawn", "ConfirmationResendRequested")
}


def broken(run: Run) -> set[str]:
    return {it.promise for it in check(run.evidence())}


def test_a_clean_run_has_no_findings() -> None:
    assert check(clean().evidence()) == []


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found_under_the_promise_it_breaks(defect: str) -> None:
    promise, plant = DEFECTS[defect]
    run = clean()
    plant(run)
    assert promise in broken(run)


def test_every_promise_has_a_planted_defect_and_every_finding_a_promise() -> None:
    assert {promise for promise, _plant in DEFECTS.values()} == {it.name for it in PROMISES}


def test_a_finding_names_its_registration_on_one_line() -> None:
    run = clean()
    run.records.remove(record(run, "declined", "CustomerDeclined"))
    found = check(run.evidence())
    assert {it.registration_id for it in found} == {run.ids["declined"]}
    assert all("\n" not in it.detail for it in found)


def ours(run: Run) -> list[Record]:
    """Records that must be told exactly once: all, but for what another portal may say as often as it likes."""
    elsewhere = {run.ids["approved_elsewhere"], run.ids["withdrawn_early"]}
    return [it for it in run.records if not (it.topic in FROM_OUTSIDE and it.key in elsewhere)]


@settings(deadline=None)
@given(st.data())
def test_no_record_can_be_lost_or_told_anew_unseen(data: st.DataObject) -> None:
    run = clean()
    it = data.draw(st.sampled_from(ours(run)))
    if data.draw(st.booleans(), label="lost"):
        run.records = [each for each in run.records if each.ce_id != it.ce_id]
    else:
        place = data.draw(st.integers(0, len(run.records)))
        run.records.insert(place, replace(it, ce_id=data.draw(st.sampled_from(["another", None]))))
    assert "told_exactly_once" in broken(run)


@settings(deadline=None)
@given(st.data())
def test_what_the_relay_publishes_again_and_the_order_of_topics_change_nothing(data: st.DataObject) -> None:
    run = clean()
    again = data.draw(st.lists(st.sampled_from(run.records)))
    run.records = data.draw(st.permutations(run.records + again))
    assert check(run.evidence()) == []


@settings(deadline=None)
@given(st.data())
def test_no_line_of_history_can_be_lost_unseen(data: st.DataObject) -> None:
    run = clean()
    # A portal that does not know of having requested a registration takes it for another portal's.
    lines = [it for it in run.lines if it.note != "no_effect" and it.status_to != "requested"]
    run.lines.remove(data.draw(st.sampled_from(lines)))
    assert broken(run)


def test_what_is_still_under_way_is_no_defect_before_the_run_has_settled() -> None:
    run = clean()
    run.settled = False
    for name in ("CustomerDeclined", "RegistrationClosed"):
        run.records.remove(record(run, "declined", name))
    assert broken(run) == set()


def test_a_message_may_come_twice_where_the_run_had_faults() -> None:
    run = clean()
    run.received += run.received
    run.duplicates_allowed = True
    assert check(run.evidence()) == []


def test_a_run_without_mails_is_asked_for_none() -> None:
    run = clean()
    evidence = replace(run.evidence(), mails=None, received=None)
    assert check(evidence) == []


def test_of_services_that_did_not_run_nothing_is_expected() -> None:
    run = clean()
    run.lines = [it for it in run.lines if it.service not in {"portal", "approver"}]
    evidence = replace(run.evidence(), services=frozenset({"registrar", "notifier"}))
    assert check(evidence) == []


def test_an_account_may_be_registered_again_at_the_moment_it_becomes_free() -> None:
    run = Run(now=clean().now)
    first, second = Life(run, 1), Life(run, 2)
    second.email = first.email
    first.opened()
    first.mail_sent()
    first.withdrawal_asked()
    first.closed("RegistrationWithdrawn", "withdrawn")
    second.at = first.at
    approved(second)
    assert check(run.evidence()) == []


def test_of_an_account_the_newest_facts_count_until_it_is_deleted() -> None:
    run = clean()
    known, deleted = Life(run, 1), Life(run, 2)
    for version in (6, 8, 7):
        known.account_told(version, kept=8)
        deleted.account_told(version)
    run.records.append(Record("account-updated.v1", deleted.email, None, None))
    assert check(run.evidence()) == []


def test_what_is_closed_does_not_count_as_open() -> None:
    run = clean()
    run.rules = replace(run.rules, open_limit=2)
    assert check(run.evidence()) == []


@pytest.mark.parametrize(
    "value", [None, {}, {"registration_id": 7}, {"registration_id": "x", "customer_email": 7}], ids=repr
)
def test_garbage_on_a_topic_that_others_write_breaks_no_promise(value: dict[str, object] | None) -> None:
    run = clean()
    for topic in (*FROM_OUTSIDE, "account-updated.v1"):
        run.records.append(Record(topic, None, value, None, 1, 7))
        place = {"service": "registrar", "topic": topic, "partition": 1, "offset": 7}
        run.records.append(Record("registrar.quarantine.v1", "registrar", place, "set aside"))
    assert check(run.evidence()) == []


def test_twenty_thousand_lives_pass_clean() -> None:
    assert check(clean(20_000).evidence()) == []
