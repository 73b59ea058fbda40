"""What registrar and notifier note of each fact: who, when and why, whether it changed something or not."""

import pytest

from services.notifier.domain import Decided, Final, Mail, MailKind, Status, end_confirmations, open_confirmations
from services.registrar.domain import Fact, Registration, advance
from shared.events import Locale, RegistrationApproved
from shared.history import NO_EFFECT, TRANSITION, WRONG_PARTNER, Entry
from tests.domain.facts import (
    CUSTOMER,
    HOUR,
    NOW,
    ONE,
    THREE,
    TWO,
    account,
    confirmed,
    declined,
    expired,
    opened,
    registration_approved,
    registration_closed,
    requested,
    vng_approved,
    vng_rejected,
    withdrawn,
)
from tests.domain.notifier import Notifier
from tests.domain.test_registrar import Registrar

LATER = NOW + HOUR


def registered(*facts: Fact) -> Registration:
    """A registration of ours after `facts`."""
    registrar = Registrar(account()).hears(requested(), at=NOW)
    return (registrar.hears(*facts, at=NOW) if facts else registrar).registrations[ONE]


REJECTED = vng_rejected()
WITHDRAWN = withdrawn(reason="Nhầm")
APPROVED = vng_approved()
DECLINED = declined()
NOTED: list[tuple[Fact, str, str | None]] = [
    (confirmed(), CUSTOMER, None),
    (DECLINED, CUSTOMER, DECLINED.reason),
    (expired(), "notifier", None),
    (WITHDRAWN, WITHDRAWN.withdrawn_by, WITHDRAWN.reason),
    (REJECTED, REJECTED.rejected_by, REJECTED.reason),
    (APPROVED, APPROVED.approved_by, None),
    (vng_approved(note="quen"), APPROVED.approved_by, "note: quen"),
    (vng_approved(override_reason="vì", failing_codes=("a", "b")), APPROVED.approved_by, "vì; despite a, b"),
]


@pytest.mark.parametrize(("fact", "actor", "reason"), NOTED, ids=range(len(NOTED)))
def test_registrar_notes_who_moved_a_registration_when_and_why(fact: Fact, actor: str, reason: str | None) -> None:
    before = registered()
    decided = advance([fact], {ONE: before}, LATER)
    after = decided.changed[ONE]
    assert decided.history == [
        Entry(ONE, before.version + 1, before.status, after.status, fact.type(), TRANSITION, actor, reason, LATER)
    ]
    assert (after.changed_at, after.version) == (LATER, before.version + 1)


@pytest.mark.parametrize(("fact", "actor", "_reason"), NOTED, ids=range(len(NOTED)))
def test_registrar_notes_who_came_too_late_and_when(fact: Fact, actor: str, _reason: str | None) -> None:
    over = registered(expired())
    decided = advance([fact], {ONE: over}, LATER)
    assert decided.changed == {}
    assert decided.history == [
        Entry(ONE, over.version, over.status, over.status, fact.type(), NO_EFFECT, actor, None, LATER)
    ]


def test_registrar_notes_which_other_partner_tried_to_withdraw() -> None:
    it = registered()
    fact = withdrawn(partner_id="p-2")
    assert advance([fact], {ONE: it}, LATER).history == [
        Entry(ONE, it.version, it.status, it.status, fact.type(), WRONG_PARTNER, fact.withdrawn_by, "p-2", LATER)
    ]


def approved_with(*accounts: object) -> RegistrationApproved:
    given = {it.email: it for it in accounts}  # type: ignore[attr-defined]
    [told] = advance([vng_approved()], {ONE: registered()}, LATER, given).told  # type: ignore[arg-type]
    assert isinstance(told, RegistrationApproved)
    return told


def test_an_approval_names_the_account_that_the_address_has_by_now_unless_it_is_deleted() -> None:
    assert approved_with().account_id == account().account_id
    now = approved_with(account(account_id="another", locale=Locale.EN))
    assert (now.account_id, now.locale) == ("another", Locale.EN)
    gone = approved_with(account(account_id="another", deleted=True))
    assert (gone.account_id, gone.locale) == (account().account_id, account().locale)


def test_notifier_notes_registrars_word_when_it_came_and_how_it_ended() -> None:
    notifier = Notifier().hears(opened())
    before = notifier.it
    decided = end_confirmations([registration_closed()], notifier.confirmations, LATER)
    [line] = decided.history
    after = decided.changed[ONE]
    assert line == Entry(
        ONE, before.version + 1, before.status, after.status, "RegistrationClosed", TRANSITION, "registrar",
        after.outcome, LATER,
    )  # fmt: skip
    assert after.outcome


def test_notifier_notes_registrars_word_again_and_goes_on_to_the_next() -> None:
    finals: list[Final] = [
        registration_closed(),
        registration_approved(),
        registration_approved(TWO),
        registration_approved(THREE),
    ]
    decided = end_confirmations(finals, Notifier().hears(opened()).confirmations, LATER)
    assert [(line.registration_id, line.event, line.note, line.actor, line.at) for line in decided.history] == [
        (ONE, "RegistrationClosed", TRANSITION, "registrar", LATER),
        (ONE, "RegistrationApproved", NO_EFFECT, "registrar", LATER),
        (TWO, "RegistrationApproved", TRANSITION, "registrar", LATER),
        (THREE, "RegistrationApproved", TRANSITION, "registrar", LATER),
    ]
    assert {mail.registration_id for mail in decided.mails} == {ONE, TWO, THREE}


def test_notifier_begins_a_confirmation_without_any_answer_mail_or_end_and_notes_the_request_again() -> None:
    decided = open_confirmations([opened(), opened(), opened(TWO)], {}, LATER)
    it = decided.new[ONE]
    assert (it.status, it.version, it.period, it.asked_at) == (Status.PENDING, 1, 1, LATER)
    assert (it.reasons, it.reminded, it.undeliverable, it.mailed) == ((), 0, False, False)
    assert it.undeliverable is False and it.mailed is False
    assert decided.mails == [Mail(ONE, MailKind.CONFIRMATION), Mail(TWO, MailKind.CONFIRMATION)]
    assert [(line.registration_id, line.event, line.note, line.actor, line.at) for line in decided.history] == [
        (ONE, "RegistrationOpened", TRANSITION, "registrar", LATER),
        (ONE, "RegistrationOpened", NO_EFFECT, "registrar", LATER),
        (TWO, "RegistrationOpened", TRANSITION, "registrar", LATER),
    ]


def test_what_a_batch_has_begun_stays_new_however_it_goes_on() -> None:
    decided = open_confirmations([opened()], {}, NOW)
    after = decided.new[ONE]._replace(version=2)
    decided.put(after)
    assert (decided.new, decided.changed) == ({ONE: after}, {})
    begun_before = Decided()
    begun_before.put(after)
    assert (begun_before.new, begun_before.changed) == ({}, {ONE: after})
