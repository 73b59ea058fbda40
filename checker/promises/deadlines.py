"""Periods, reminders and reviews: nothing too late, nothing too early."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from checker.lives import Life, Mail, Run

IN_FLIGHT = timedelta(minutes=1)
"""How long one sending may take: a mail that was being sent when its reason ended may still arrive."""


def period_ends(life: Life) -> dict[int, datetime]:
    """Until when each period's link is valid, as ConfirmationSent told."""
    return {it.number: it.until for it in life.of("ConfirmationSent") if it.number is not None and it.until}


def no_open_past_its_end(life: Life, run: Run) -> Iterator[str]:
    if life.status("notifier") != "pending":
        return
    end = _current_end(life, run)
    if end is not None and end < run.now - run.rules.deadline_slack:
        yield f"pending, and its link ended at {end.isoformat()}; expected ConfirmationExpired by now"


def none_expires_early(life: Life, run: Run) -> Iterator[str]:
    for step in life.by("notifier", "ConfirmationExpired"):
        end = _current_end(life, run)
        if end is None:
            yield "expired, and no mail of its period had been sent or refused"
        elif step.at < end:
            yield f"expired at {step.at.isoformat()}; its link was valid until {end.isoformat()}"


def _current_end(life: Life, run: Run) -> datetime | None:
    """The end of the newest period. It begins when its mail is accepted or refused for good: None before."""
    resends = life.by("notifier", "ConfirmationResendRequested")
    if end := period_ends(life).get(1 + len(resends)):
        return end
    failed = life.by("notifier", "ConfirmationUndeliverable")
    after = [it.at for it in failed if not resends or it.version > resends[-1].version]
    return after[-1] + run.rules.confirmation_valid_for if after else None


def valid_no_longer_than_promised(life: Life, run: Run) -> Iterator[str]:
    longest = run.rules.confirmation_valid_for
    for it in life.of("ConfirmationSent"):
        if it.at and it.until and it.until - it.at > longest:
            yield f"mail {it.number} is valid for {it.until - it.at}; expected {longest} at most"


def reviews_are_due_in_time(life: Life, run: Run) -> Iterator[str]:
    longest = run.rules.review_due_after
    if longest is None or life.status("approver") != "open" or life.by("approver", "ReviewDue"):
        return
    opened_at = life.moves["approver"][0].at
    if opened_at + longest < run.now - run.rules.deadline_slack:
        yield f"a case is open since {opened_at.isoformat()} without ReviewDue; expected it within {longest}"


def reminded_in_time(life: Life, run: Run) -> Iterator[str]:
    reminders = [mail for mail in life.mails if mail.kind == "reminder"]
    if not reminders:
        return
    ends, over_at = period_ends(life), _over_at(life)
    for mail in reminders:
        yield from _within_its_period(mail, ends.get(mail.period), over_at, run)
        yield from _after_its_mail(mail, life)
    sent = sorted(mail.sent_at for mail in reminders if mail.sent_at)
    for earlier, later in pairwise(sent):
        if later - earlier < run.rules.reminders_apart:
            yield f"two reminders {later - earlier} apart; expected at least {run.rules.reminders_apart}"


def _within_its_period(mail: Mail, end: datetime | None, over_at: datetime | None, run: Run) -> Iterator[str]:
    name, before = f"reminder {mail.period}.{mail.number}", run.rules.reminders_before
    if over_at and (mail.queued_at > over_at or (mail.sent_at and mail.sent_at > over_at + IN_FLIGHT)):
        yield f"{name} after the confirmation was over at {over_at.isoformat()}"
    if end and mail.sent_at and mail.sent_at >= end:
        yield f"{name} was sent at {mail.sent_at.isoformat()}; its link ended at {end.isoformat()}"
    if not 1 <= mail.number <= len(before):
        yield f"{name}; expected number 1 to {len(before)}"
    elif end and mail.queued_at < end - before[mail.number - 1]:
        yield f"{name} was queued earlier than {before[mail.number - 1]} before the link's end"


def _after_its_mail(mail: Mail, life: Life) -> Iterator[str]:
    for it in life.mails:
        if (it.kind, it.period) == ("confirmation", mail.period) and it.sent_at and it.sent_at > mail.queued_at:
            yield f"reminder {mail.period}.{mail.number} was queued before its confirmation mail was sent"


def _over_at(life: Life) -> datetime | None:
    for step in life.moves.get("notifier", ()):
        if step.before == "pending" != step.after:
            return step.at
    return None
