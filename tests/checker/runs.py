"""What clean runs leave behind, as plain data: one builder, and one function for each kind of life."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checker import Evidence, Kept, Line, MailRow, Received, Record, Rules

START = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
VALID_FOR = timedelta(days=15)
RULES = Rules(review_due_after=10 * DAY, review_mail_to=("staff@vng.example",))

TOPICS = {
    "RegistrationRequested": "registration-requested.v1",
    "RegistrationWithdrawn": "registration-withdrawn.v1",
    "ConfirmationResendRequested": "confirmation-resend-requested.v1",
    "RegistrationOpened": "registration-opened.v1",
    "ConfirmationSent": "confirmation-sent.v1",
    "ConfirmationResendRefused": "confirmation-resend-refused.v1",
    "ConfirmationUndeliverable": "confirmation-undeliverable.v1",
    "CustomerConfirmed": "customer-confirmed.v1",
    "CustomerDeclined": "customer-declined.v1",
    "ConfirmationExpired": "confirmation-expired.v1",
    "VngApproved": "vng-approved.v1",
    "VngRejected": "vng-rejected.v1",
    "ReviewDue": "review-due.v1",
    "RegistrationApproved": "registration-approved.v1",
    "RegistrationClosed": "registration-closed.v1",
}
STAGES = {"requested": 1, "awaiting_confirmation": 2, "awaiting_approval": 3}


@dataclass
class Run:
    """Lists that a test may spoil before they are checked. `ids` are the registrations by the kind of their life."""

    records: list[Record] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    mails: list[MailRow] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    accounts: list[Kept] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    now: datetime = START
    settled: bool = True
    duplicates_allowed: bool = False
    rules: Rules = RULES

    def evidence(self) -> Evidence:
        return Evidence(
            self.records,
            self.lines,
            self.now,
            self.mails,
            self.received,
            self.accounts,
            settled=self.settled,
            duplicates_allowed=self.duplicates_allowed,
            rules=self.rules,
        )


class Life:
    """Writes one registration's life into `run`, as the services would. `at` is its clock."""

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        self.at = START + number % 1000 * MINUTE
        self.id = f"01980000-0000-7000-8000-{number:012d}"
        self.partner = f"p-{number // 100}"  # none has more than may be open
        self.email = f"khách{number}@example.vn"
        self.status: dict[str, tuple[str, int]] = {}
        self.period = 1
        self.mailed = False

    def tell(self, event: str, **value: Any) -> None:
        value = {"registration_id": self.id} | value
        ce_id = f"ce-{len(self.run.records)}"
        self.run.records.append(Record(TOPICS[event], self.id, value, ce_id, 0, len(self.run.records)))

    def line(self, service: str, event: str, after: str, note: str = "") -> None:
        before, version = self.status.get(service, (None, 0))
        if not note:
            version = STAGES.get(after, 4) if service == "portal" else version + 1
            self.status[service] = (after, version)
        self.run.lines.append(Line(service, self.id, version, before, after, event, note, "someone", None, self.at))

    def mail(self, kind: str, period: int = 1, number: int = 1, state: str = "sent") -> None:
        sent_at = self.at if state == "sent" else None
        self.run.mails.append(MailRow(self.id, kind, period, number, state, self.at, sent_at))
        if sent_at:
            to = "staff@vng.example" if kind.startswith("review") else self.reader(kind)
            message_id = f"<{self.id}.{kind}.{period}.{number}@vng.example>"
            self.run.received.append(Received(to, message_id, "…"))

    def reader(self, kind: str) -> str:
        return "sales@partner.example" if kind.startswith("partner") else self.email

    def about(self, **more: Any) -> dict[str, Any]:
        return {
            "partner_id": self.partner,
            "customer_email": self.email,
            "requested_by": "sales@partner.example",
        } | more

    def moment(self, after: timedelta = timedelta()) -> str:
        return (self.at + after).isoformat().replace("+00:00", "Z")

    def requested(self, *, elsewhere: bool = False) -> None:
        self.tell("RegistrationRequested", **self.about(requested_at=self.moment()))
        if elsewhere:
            self.status["portal"] = ("requested", 1)
        else:
            self.line("portal", "RegistrationRequested", "requested")

    def opened(self, *, elsewhere: bool = False) -> None:
        self.requested(elsewhere=elsewhere)
        self.line("registrar", "RegistrationRequested", "awaiting_confirmation")
        self.tell("RegistrationOpened", **self.about())
        self.line("portal", "RegistrationOpened", "awaiting_confirmation")
        self.line("notifier", "RegistrationOpened", "pending")

    def mail_sent(self) -> None:
        self.mailed = True
        self.mail("confirmation", self.period)
        self.line("notifier", "ConfirmationSent", self.status["notifier"][0])
        until = self.moment(VALID_FOR)
        self.tell(
            "ConfirmationSent",
            partner_id=self.partner,
            number=self.period,
            sent_at=self.moment(),
            valid_until=until,
        )
        self.noted("ConfirmationSent", f"number {self.period}")

    def noted(self, event: str, note: str) -> None:
        """What it tells beside the status, portal notes by itself."""
        self.line("portal", event, self.status["portal"][0], note)

    def mail_refused(self) -> None:
        self.mail("confirmation", self.period, state="failed")
        self.mail("partner_undeliverable", self.period)
        self.line("notifier", "ConfirmationUndeliverable", "pending")
        self.tell("ConfirmationUndeliverable", partner_id=self.partner, detail="550 no such user")
        self.noted("ConfirmationUndeliverable", f"failed {self.moment()}")

    def resend_asked(self, answer: str = "") -> None:
        asked = self.moment()
        self.tell("ConfirmationResendRequested", partner_id=self.partner, requested_at=asked)
        self.line("portal", "ConfirmationResendRequested", self.status["portal"][0], f"asked {asked}")
        note = f"{answer}, asked {asked}" if answer else ""
        self.line("notifier", "ConfirmationResendRequested", "pending", note)
        if answer:
            value = {"partner_id": self.partner, "requested_at": asked, "code": answer}
            self.tell("ConfirmationResendRefused", **value)
            self.noted("ConfirmationResendRefused", f"asked {asked}")
        else:
            self.period += 1

    def confirmed(self, case: str = "open") -> None:
        self.line("notifier", "CustomerConfirmed", "confirmed")
        self.tell("CustomerConfirmed", partner_id=self.partner, customer_email=self.email)
        self.line("registrar", "CustomerConfirmed", "awaiting_approval")
        self.line("portal", "CustomerConfirmed", "awaiting_approval")
        self.line("approver", "CustomerConfirmed", case)
        if case == "approved":
            self.tell("VngApproved", approved_by="policy:current-customer")

    def review_due(self, claimed_by: str | None) -> None:
        self.line("approver", "ReviewDue", "open")
        self.tell("ReviewDue", customer_email=self.email, claimed_by=claimed_by)
        self.mail("review_due")
        if claimed_by:
            self.mail("review_due_claimer")

    def approved(self) -> None:
        if self.status["approver"][0] == "open":
            self.line("approver", "VngApproved", "approved")
            self.tell("VngApproved", approved_by="hoa@vng.example")
        self.line("registrar", "VngApproved", "approved")
        self.tell("RegistrationApproved", **self.about())
        self.line("portal", "RegistrationApproved", "approved")
        self.line("notifier", "RegistrationApproved", "confirmed")
        self.line("approver", "RegistrationApproved", "approved")
        self.mail("customer_approved")
        self.mail("partner_approved")

    def closed(self, event: str, outcome: str) -> None:
        """Registrar closes it on `event`, and everybody reads so."""
        self.line("registrar", event, outcome)
        self.tell("RegistrationClosed", **self.about(outcome=outcome))
        self.line("portal", "RegistrationClosed", outcome)
        now = self.status.get("notifier", ("pending", 0))[0]
        self.line("notifier", "RegistrationClosed", "void" if now == "pending" else now)
        decided = self.status.get("approver", ("open", 0))[0]
        self.line("approver", "RegistrationClosed", "withdrawn" if decided == "open" else decided)
        if outcome != "withdrawn":
            self.mail("partner_closed")
        elif self.mailed:
            self.mail("customer_withdrawn")

    def withdrawal_asked(self, *, elsewhere: bool = False) -> None:
        self.tell("RegistrationWithdrawn", partner_id=self.partner, withdrawn_at=self.moment())
        if not elsewhere:
            self.line("portal", "RegistrationWithdrawn", self.status["portal"][0], f"asked {self.moment()}")

    def account_told(self, version: int, *, kept: int | None = None) -> None:
        value = {"email": self.email.title(), "version": version}
        self.run.records.append(Record("account-updated.v1", self.email, value, None, 0, len(self.run.records)))
        self.run.accounts += [Kept(service, self.email, kept or version) for service in ("registrar", "approver")]

    def again(self) -> None:
        """The relay publishes the last record a second time, and its reader notes it."""
        self.run.records.append(replace(self.run.records[-1], offset=len(self.run.records)))


def approved(it: Life) -> None:
    it.opened()
    it.again()
    it.mail_sent()
    it.at += DAY
    it.confirmed()
    it.line("registrar", "CustomerConfirmed", "awaiting_approval", "no_effect")
    it.at += HOUR
    it.approved()


def approved_by_policy(it: Life) -> None:
    it.opened()
    it.mail_sent()
    it.confirmed("approved")
    it.approved()


def approved_elsewhere(it: Life) -> None:
    """Another portal requested it."""
    it.opened(elsewhere=True)
    it.mail_sent()
    it.confirmed()
    it.approved()


def rejected(it: Life) -> None:
    it.opened()
    it.mail_sent()
    it.confirmed()
    it.at += 3 * DAY
    it.review_due("hoa@vng.example")
    it.line("approver", "VngRejected", "rejected")
    it.tell("VngRejected", rejected_by="hoa@vng.example")
    it.closed("VngRejected", "rejected")
    it.mail("customer_rejected")


def declined(it: Life) -> None:
    it.opened()
    it.mail_sent()
    it.line("notifier", "CustomerDeclined", "declined")
    it.tell("CustomerDeclined")
    it.closed("CustomerDeclined", "declined")


def expired(it: Life) -> None:
    it.opened()
    it.mail_sent()
    it.at += VALID_FOR - 7 * DAY
    it.mail("reminder", number=1)
    it.at += 6 * DAY
    it.mail("reminder", number=2)
    it.at += DAY
    it.line("notifier", "ConfirmationExpired", "expired")
    it.tell("ConfirmationExpired")
    it.closed("ConfirmationExpired", "expired")


def refused(it: Life) -> None:
    it.requested()
    it.closed("RegistrationRequested", "refused")


def withdrawn_early(it: Life) -> None:
    it.withdrawal_asked(elsewhere=True)
    it.requested(elsewhere=True)
    it.closed("RegistrationRequested", "withdrawn")


def withdrawn_late(it: Life) -> None:
    it.opened()
    it.mail_sent()
    it.at += HOUR
    it.withdrawal_asked()
    it.closed("RegistrationWithdrawn", "withdrawn")


def resent(it: Life) -> None:
    it.opened()
    it.mail_sent()
    it.at += MINUTE
    it.resend_asked("too_soon")
    it.at += HOUR
    it.resend_asked()
    it.mail_sent()
    it.at += HOUR
    it.confirmed()
    it.approved()


def undeliverable(it: Life) -> None:
    it.opened()
    it.mail_refused()
    it.at += HOUR
    it.withdrawal_asked()
    it.closed("RegistrationWithdrawn", "withdrawn")


def pending(it: Life) -> None:
    it.at += 20 * DAY
    it.opened()
    it.mail_sent()


def under_review(it: Life) -> None:
    it.at += 20 * DAY
    it.opened()
    it.mail_sent()
    it.confirmed()


KINDS = (
    approved, approved_by_policy, approved_elsewhere, rejected, declined, expired, refused, withdrawn_early,
    withdrawn_late, resent, undeliverable, pending, under_review,
)  # fmt: skip


def clean(lives: int = len(KINDS)) -> Run:
    """A settled run of `lives` registrations, each kind in turn."""
    run = Run(now=START + 22 * DAY)
    for number in range(lives):
        kind = KINDS[number % len(KINDS)]
        it = Life(run, number)
        kind(it)
        run.ids.setdefault(kind.__name__, it.id)
    return run
