"""Why a mail may be owed: for each kind, what must have happened first."""

from collections.abc import Callable

from checker.lives import Life, Mail, Run


def _confirmation_cause(life: Life, mail: Mail, _run: Run) -> str | None:
    periods = 1 + len(life.by("notifier", "ConfirmationResendRequested"))
    if not life.by("notifier", "RegistrationOpened"):
        return "notifier never read RegistrationOpened"
    return None if 1 <= mail.period <= periods else f"only {periods - 1} resends were accepted"


def _reminder_cause(life: Life, mail: Mail, _run: Run) -> str | None:
    for it in life.mails:
        if (it.kind, it.period, it.state) == ("confirmation", mail.period, "sent"):
            return None
    return f"no confirmation mail of period {mail.period} was sent"


def _approval_cause(life: Life, _mail: Mail, _run: Run) -> str | None:
    return None if life.by("notifier", "RegistrationApproved") else "notifier never read RegistrationApproved"


def _rejected_cause(life: Life, _mail: Mail, _run: Run) -> str | None:
    if not life.reached("registrar", "rejected"):
        return "registrar never rejected"
    return None if life.by("notifier", "CustomerConfirmed") else "the customer never confirmed"


def _withdrawn_cause(life: Life, _mail: Mail, run: Run) -> str | None:
    if not life.reached("registrar", "withdrawn"):
        return "it was never withdrawn"
    known = customer_knows(life) or customer_may_know(life, run)
    return None if known else "no confirmation mail had gone out"


def _closed_cause(life: Life, _mail: Mail, _run: Run) -> str | None:
    if not life.by("notifier", "RegistrationClosed"):
        return "notifier never read RegistrationClosed"
    return "it was withdrawn by the partner" if life.reached("registrar", "withdrawn") else None


def _undeliverable_cause(life: Life, _mail: Mail, _run: Run) -> str | None:
    failed = len(life.by("notifier", "ConfirmationUndeliverable"))
    reported = sum(mail.kind == "partner_undeliverable" for mail in life.mails)
    return None if reported <= failed else f"{failed} confirmation mails were undeliverable"


def _review_cause(life: Life, _mail: Mail, _run: Run) -> str | None:
    return None if life.of("ReviewDue") or life.by("approver", "ReviewDue") else "no review was due"


def _claimer_cause(life: Life, mail: Mail, run: Run) -> str | None:
    if (due := life.of("ReviewDue")) and not any(it.person for it in due):
        return "nobody had claimed the case"
    return _review_cause(life, mail, run)


def customer_knows(life: Life) -> bool:
    """A mail went out, or arrived without notifier's knowing; or the customer answered, whatever became of the server's
    answer to the mail."""
    told = ("ConfirmationSent", "CustomerConfirmed", "CustomerDeclined")
    return any(life.by("notifier", event) for event in told) or any(it.kind == "confirmation" for it in life.arrived)


def customer_may_know(life: Life, run: Run) -> bool:
    """Where sending may have been cut short, a confirmation mail that was given up may have arrived all the same."""
    return run.duplicates_allowed and any((it.kind, it.state) == ("confirmation", "failed") for it in life.mails)


CAUSES: dict[str, Callable[[Life, Mail, Run], str | None]] = {
    "confirmation": _confirmation_cause,
    "reminder": _reminder_cause,
    "customer_approved": _approval_cause,
    "partner_approved": _approval_cause,
    "customer_rejected": _rejected_cause,
    "customer_withdrawn": _withdrawn_cause,
    "partner_closed": _closed_cause,
    "partner_undeliverable": _undeliverable_cause,
    "review_due": _review_cause,
    "review_due_claimer": _claimer_cause,
}
