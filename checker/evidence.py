"""What a run left behind, and what is said about it.

How to read a running system, so that no effect is seen without its cause: topics first, then notifier's mails, then
the histories, registrar's last. A settled one may be read in any order. Times are aware, ids are lower-case text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SERVICES = frozenset({"portal", "registrar", "notifier", "approver"})


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic, named without prefix. `value` is the decoded JSON, None for a tombstone or for what is
    no JSON object. `ce_id` is None where a plain producer sent no headers, `key` where it sent none."""

    topic: str
    key: str | None
    value: Mapping[str, Any] | None
    ce_id: str | None
    partition: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a service's history. `note` is "" for a transition, else it says why the fact changed nothing."""

    service: str
    registration_id: str
    version: int
    status_from: str | None
    status_to: str
    event: str
    note: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MailRow:
    """One row of notifier's `emails`; `state` is queued, sent or failed."""

    registration_id: str
    kind: str
    period: int
    number: int
    state: str
    queued_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Received:
    """One message that the mail server accepted."""

    to: str
    message_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The version of an account's facts that a service keeps; a deleted account's are left out."""

    service: str
    email: str
    version: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that the run had; the defaults are the system's.

    `review_due_after`: the longest that an open case may be without a ReviewDue line, None to leave that out.
    `review_mail_to`: who is mailed about a due review, None to ask only that the mails have a cause.
    """

    confirmation_valid_for: timedelta = timedelta(days=15)
    reminders_before: tuple[timedelta, ...] = (timedelta(days=7), timedelta(days=1))
    reminders_apart: timedelta = timedelta(days=1)
    resend_limit: int = 3
    resend_interval: timedelta = timedelta(hours=1)
    open_limit: int = 100
    decline_cooldown: timedelta = timedelta(days=30)
    review_due_after: timedelta | None = None
    review_mail_to: tuple[str, ...] | None = None
    deadline_slack: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything is read once, so the iterables may be generators: a large run need not be in memory as it is here.

    `records`: each partition in the order of its offsets. `lines`: each service's in the order of its history's ids.
    `mails`, `received`, `accounts`: None where the run has none to show. `settled`: no lag, outboxes empty, all done.
    `duplicates_allowed`: the run had faults, so one message may have been received more than once.
    `services`: those that ran; nothing is expected of the others.
    """

    records: Iterable[Record]
    lines: Iterable[Line]
    now: datetime
    mails: Iterable[MailRow] | None = None
    received: Iterable[Received] | None = None
    accounts: Iterable[Kept] | None = None
    settled: bool = True
    duplicates_allowed: bool = False
    services: frozenset[str] = SERVICES
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was broken: what was found and what was expected, on one line."""

    promise: str
    registration_id: str | None
    detail: str
