"""Mails: each has its cause, none is owed twice, none that is owed is missing."""

from collections import Counter
from collections.abc import Iterator

from checker.lives import Life, Mail, Run
from checker.promises.mail_causes import CAUSES, customer_knows

Key = tuple[str, int, int]
"""Kind, period, number."""


def mailed_with_cause(life: Life, run: Run) -> Iterator[str]:
    for mail in life.mails:
        cause = CAUSES.get(mail.kind)
        if cause is None:
            yield f"{_words(mail)} is of no known kind"
        elif missing := cause(life, mail, run):
            yield f"{_words(mail)} was owed, and {missing}"


def mailed_once(life: Life, _run: Run) -> Iterator[str]:
    for key, count in Counter(map(_key, life.mails)).items():
        if count > 1:
            yield f"{_words(key)} is in the queue {count} times; expected once"


def nothing_owed_is_missing(life: Life, run: Run) -> Iterator[str]:
    if not (run.has_mails and run.ran("notifier")):
        return
    there = set(map(_key, life.mails))
    for key in sorted(_owed(life, run) - there):
        yield f"{_words(key)} is owed, and no row of it is in the queue"
    failed = len(life.by("notifier", "ConfirmationUndeliverable"))
    reported = sum(mail.kind == "partner_undeliverable" for mail in life.mails)
    if failed > reported:
        yield f"{failed} confirmation mails were undeliverable; the partner was mailed {reported} times"


def fate_of_mails_told(life: Life, run: Run) -> Iterator[str]:
    if not (run.has_mails and run.ran("notifier")):
        return
    states = Counter(mail.state for mail in life.mails if mail.kind == "confirmation")
    accepted = len(life.by("notifier", "ConfirmationSent"))
    refused = len(life.by("notifier", "ConfirmationUndeliverable"))
    if accepted != states["sent"]:
        yield f"{states['sent']} confirmation mails are marked sent, {accepted} ConfirmationSent; expected as many"
    if refused > states["failed"]:
        yield f"{refused} ConfirmationUndeliverable, {states['failed']} confirmation mails failed; each needs one"


def received_is_owed(life: Life, _run: Run) -> Iterator[str]:
    rows = set(map(_key, life.mails))
    for it in life.arrived:
        key = (it.kind, it.period, it.number)
        if key not in rows:
            yield f"{_words(key)} was received, and no row owes it"


def received_once(life: Life, run: Run) -> Iterator[str]:
    if run.duplicates_allowed:
        return
    for key, count in Counter((it.kind, it.period, it.number) for it in life.arrived).items():
        if count > 1:
            yield f"{_words(key)} was received {count} times; expected once in a run without faults"


def sent_is_received(life: Life, run: Run) -> Iterator[str]:
    if not run.has_received:
        return
    arrived = {(it.kind, it.period, it.number) for it in life.arrived}
    for mail in life.mails:
        if mail.state == "sent" and _key(mail) not in arrived:
            yield f"{_words(mail)} is marked sent, and the mail server never got it"


def right_reader(life: Life, _run: Run) -> Iterator[str]:
    known = life.known_as()
    if known is None:
        return
    for it in life.arrived:
        if it.kind in _TO_CUSTOMER:
            wanted = known.email
        elif it.kind.startswith("partner_"):
            wanted = known.person
        else:
            continue
        if wanted is not None and it.to != wanted.strip().lower():
            yield f"{it.kind} went to {it.to!r}; expected {wanted!r}"


_TO_CUSTOMER = frozenset({"confirmation", "reminder", "customer_approved", "customer_rejected", "customer_withdrawn"})


def _key(mail: Mail) -> Key:
    return mail.kind, mail.period, mail.number


def _words(it: Mail | Key) -> str:
    kind, period, number = _key(it) if isinstance(it, Mail) else it
    return f"mail {kind} {period}.{number}"


def _owed(life: Life, run: Run) -> set[Key]:
    kinds: set[str] = set()
    if life.by("notifier", "RegistrationApproved"):
        kinds |= {"customer_approved", "partner_approved"}
    for closed in life.by("notifier", "RegistrationClosed"):
        kinds |= _owed_at_close(life, closed.after)
    owed = {(kind, 1, 1) for kind in kinds}
    if life.by("notifier", "RegistrationOpened"):
        periods = 1 + len(life.by("notifier", "ConfirmationResendRequested"))
        owed |= {("confirmation", period, 1) for period in range(1, periods + 1)}
    return owed | _owed_to_staff(life, run)


def _owed_at_close(life: Life, confirmation: str) -> set[str]:
    status = life.status("registrar")
    if status == "withdrawn":
        return {"customer_withdrawn"} if customer_knows(life) else set()
    if status == "rejected" and confirmation == "confirmed":
        return {"customer_rejected", "partner_closed"}
    return {"partner_closed"}


def _owed_to_staff(life: Life, run: Run) -> set[Key]:
    readers = run.rules.review_mail_to
    if readers is None or not life.of("ReviewDue"):
        return set()
    owed = {("review_due", 1, number) for number in range(1, len(readers) + 1)}
    claimers = {it.person for it in life.of("ReviewDue") if it.person}
    return owed | {("review_due_claimer", 1, 1)} if claimers - set(readers) else owed
