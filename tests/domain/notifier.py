"""Notifier with dicts in place of its tables, and a mail server that answers as the test says."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.notifier import answers, domain, mails, periods, resends
from services.notifier.answers import NoLongerOpen
from services.notifier.domain import Confirmation, Decided, Final, Mail, MailKind, Policy
from services.notifier.resends import Resend
from shared.events import (
    ConfirmationResendRequested,
    CustomerConfirmed,
    CustomerDeclined,
    Event,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
)
from shared.history import Entry
from tests.domain.facts import DAY, HOUR, NOW, ONE

POLICY = Policy(
    valid_for=15 * DAY, resend_interval=HOUR, resend_limit=3, reminders_before=(7 * DAY, DAY)
)  # as the settings have it
CLICK_CONFIRM, CLICK_DECLINE = "confirm", "decline"
Heard = RegistrationOpened | ConfirmationResendRequested | Final


class Notifier:
    """A mail owed twice is one, as the queue's key has it; `owed_twice` says which were."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.confirmations: dict[UUID, Confirmation] = {}
        self.resends: dict[tuple[UUID, datetime, str], Resend] = {}
        self.history: list[Entry] = []
        self.queued: list[Mail] = []
        self.mails: list[Mail] = []
        self.owed_twice: list[Mail] = []
        self.told: list[Event] = []

    def hears(self, *batch: Heard, at: datetime = NOW) -> "Notifier":
        """Topic by topic, as a poll's records are stored."""
        if opened := [event for event in batch if isinstance(event, RegistrationOpened)]:
            self._keep_with_held(domain.open_confirmations(opened, self.confirmations, at), at)
        if requested := [event for event in batch if isinstance(event, ConfirmationResendRequested)]:
            self._resend(requested, at)
        if finals := [event for event in batch if isinstance(event, RegistrationApproved | RegistrationClosed)]:
            self._keep_with_held(domain.end_confirmations(finals, self.confirmations, at), at)
        return self

    def clicks(self, answer: str, at: datetime = NOW) -> CustomerConfirmed | CustomerDeclined | NoLongerOpen | None:
        told = answers.confirm(self.it, at) if answer == CLICK_CONFIRM else answers.decline(self.it, "Không quen", at)
        if isinstance(told, CustomerConfirmed | CustomerDeclined):
            self._keep(answers.answered(self.it, told, at))
        return told

    def mail_server_answers(self, mail: Mail, refusal: str | None = None, at: datetime = NOW) -> "Notifier":
        """To `mail` in flight, whatever has happened meanwhile."""
        self.queued.remove(mail)
        it = self.confirmations[mail.registration_id]
        if mail.kind is MailKind.CONFIRMATION and refusal is None:
            self._keep(periods.sent(it, mail.period, self.policy, at))
        elif mail.kind is MailKind.CONFIRMATION:
            self._keep(periods.undeliverable(it, mail.period, refusal or "", self.policy, at))
        return self

    def sends(self, at: datetime = NOW, refusal: str | None = None) -> list[Mail]:
        """All that is queued and still worth sending: the mails that left."""
        left = []
        for mail in list(self.queued):
            if mails.needless(mail, self.confirmations[mail.registration_id], self.policy, at):
                self.queued.remove(mail)
            else:
                left.append(mail)
                self.mail_server_answers(mail, refusal, at)
        return left

    def acts(self, at: datetime) -> "Notifier":
        """The scheduler's turn."""
        due = [it for it in self.confirmations.values() if it.due_at and it.due_at <= at]
        self._keep(periods.act_when_due(due, self.policy, at))
        return self

    @property
    def it(self) -> Confirmation:
        return self.confirmations[ONE]

    def owed(self) -> set[MailKind]:
        return {mail.kind for mail in self.mails}

    def types(self) -> list[str]:
        return [event.type() for event in self.told]

    def _resend(self, requested: Sequence[ConfirmationResendRequested], at: datetime) -> None:
        asked = {it.key: it for it in map(resends.asked, requested)}
        new = [it for key, it in asked.items() if key not in self.resends]
        decided = Decided()
        self._keep_resends(resends.decide(new, decided, self.confirmations, self.policy, at))
        self._keep(decided)

    def _keep_with_held(self, decided: Decided, at: datetime) -> None:
        held = [it for it in self.resends.values() if it.answer is None and it.registration_id in decided.new]
        self._keep_resends(resends.decide(held, decided, {}, self.policy, at))
        self._keep(decided)

    def _keep_resends(self, decided: list[Resend]) -> None:
        self.resends |= {it.key: it for it in decided}

    def _keep(self, decided: Decided) -> None:
        self.confirmations |= decided.new | decided.changed
        self.history += decided.history
        self.owed_twice += [mail for mail in decided.mails if mail in self.mails]
        self.mails += decided.mails
        self.queued += decided.mails
        self.told += decided.told
