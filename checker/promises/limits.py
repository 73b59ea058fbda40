"""What one registration or partner may not exceed, and what no two registrations may share."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from checker.lives import Life, Run
from checker.machines import FINAL, HOLDING, OPEN

Parties = Mapping[str, tuple[str | None, str | None]]
"""Partner and account of each registration, as far as known."""


def resends_limited(life: Life, run: Run) -> Iterator[str]:
    accepted = life.by("notifier", "ConfirmationResendRequested")
    if len(accepted) > run.rules.resend_limit:
        yield f"{len(accepted)} resends accepted; expected {run.rules.resend_limit} at most"


def resends_apart(life: Life, run: Run) -> Iterator[str]:
    """Apart from the mail before: from when that was asked for, and from when it had left."""
    sent = {it.number: it.at for it in life.of("ConfirmationSent")}
    before = next((step.at for step in life.by("notifier", "RegistrationOpened")), None)
    for period, step in enumerate(life.by("notifier", "ConfirmationResendRequested"), start=1):
        left = sent.get(period)
        earlier = [at for at in (before, left) if at is not None and at <= step.at]
        if earlier and step.at - max(earlier) < run.rules.resend_interval:
            yield f"resend {period} came {step.at - max(earlier)} after the mail before; expected " + str(
                run.rules.resend_interval
            )
        before = step.at


def one_holder(run: Run, parties: Parties) -> Iterator[tuple[str, str]]:
    holders: dict[str, str] = {}
    for registration_id, step, _at in run.moves:
        account = parties.get(registration_id, (None, None))[1]
        if account is None:
            continue
        holder = holders.get(account)
        if step.after in HOLDING:
            if holder not in (None, registration_id):
                yield registration_id, f"{step.after} for {account} while {holder} holds it; expected one holder"
            holders[account] = registration_id
        elif holder == registration_id:
            del holders[account]


def open_limited(run: Run, parties: Parties) -> Iterator[tuple[str, str]]:
    count: Counter[str] = Counter()
    for registration_id, step, _at in run.moves:
        partner = parties.get(registration_id, (None, None))[0]
        if partner is None:
            continue
        if step.before is None and step.after in OPEN:
            count[partner] += 1
            if count[partner] > run.rules.open_limit:
                yield registration_id, f"{partner} has {count[partner]} open; expected {run.rules.open_limit} at most"
        elif step.before in OPEN and step.after in FINAL:
            count[partner] -= 1


def declined_cools_down(run: Run, parties: Parties) -> Iterator[tuple[str, str]]:
    declined: dict[tuple[str | None, str | None], datetime] = {}
    for registration_id, step, at in run.moves:
        who = parties.get(registration_id)
        if who is None or None in who:
            continue
        if step.after == "declined":
            declined[who] = at
        elif step.before is None and step.after in OPEN and who in declined:
            since = at - declined[who]
            if since < run.rules.decline_cooldown:
                wanted = run.rules.decline_cooldown
                yield registration_id, f"opened {since} after this customer declined this partner; expected {wanted}"
