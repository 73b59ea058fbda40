"""Reads the evidence once, into lists by registration. What repeats (names, addresses, moments) is kept once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from sys import intern
from typing import Any
from unicodedata import normalize

from checker.evidence import Evidence, Line, MailRow, Received, Record
from checker.lives import Arrived, Fact, Mail, Move, Run, Told
from checker.machines import ACCOUNT_UPDATED, EVENTS, QUARANTINE, WRITERS


@dataclass(slots=True)
class _Known:
    texts: dict[str, str] = field(default_factory=dict)
    times: dict[datetime, datetime] = field(default_factory=dict)
    moves: dict[Move, Move] = field(default_factory=dict)

    def text(self, text: str) -> str:
        return self.texts.setdefault(text, text)


def read(evidence: Evidence) -> Run:
    run = Run(
        now=evidence.now,
        settled=evidence.settled,
        duplicates_allowed=evidence.duplicates_allowed,
        services=evidence.services,
        rules=evidence.rules,
        has_mails=evidence.mails is not None,
        has_received=evidence.received is not None,
    )
    known = _Known()
    for record in evidence.records:
        _read_record(record, run, known)
    for line in evidence.lines:
        _read_line(line, run, known)
    for row in evidence.mails or ():
        _read_mail(row, run, known)
    for message in evidence.received or ():
        _read_received(message, run, known)
    if evidence.accounts is not None:
        run.kept = {(it.service, it.email): it.version for it in evidence.accounts}
    return run


def normal(email: str) -> str:
    return normalize("NFC", email.strip()).lower()


def _read_record(record: Record, run: Run, known: _Known) -> None:
    value = record.value
    if record.topic == ACCOUNT_UPDATED:
        _read_account(record, run)
        return
    if record.topic.endswith(QUARANTINE):
        _read_quarantined(record, run)
        return
    event = EVENTS.get(record.topic)
    if event is None:
        return
    from_outside = WRITERS[event] == "portal"  # others may write there, and what is no event is quarantined
    given = value.get("registration_id") if value is not None else None
    if not isinstance(given, str) or value is None:
        if not from_outside:
            run.strays.append(("keys", None, f"{_place(record)}: no registration_id; every {event} has one"))
        return
    registration_id = known.text(given.lower())
    if record.key != registration_id and not (from_outside and record.key is None):
        detail = f"{_place(record)}: key {record.key!r}; expected the registration_id"
        run.strays.append(("keys", registration_id, detail))
    run.of(registration_id).append(_told(event, record, value, known))


def _read_quarantined(record: Record, run: Run) -> None:
    value = record.value or {}
    service, topic = record.topic.removesuffix(QUARANTINE), value.get("topic")
    event = "AccountUpdated" if topic == ACCOUNT_UPDATED else EVENTS.get(str(topic))
    if event is not None:
        run.set_aside.add((service, event, int(value.get("partition", -1)), int(value.get("offset", -1))))


def _read_account(record: Record, run: Run) -> None:
    value = record.value or {}
    email, version = value.get("email"), value.get("version")
    if record.value is None and record.key is not None:
        run.facts[record.key] = Fact(None, record.partition, record.offset)
    if not isinstance(email, str):
        return
    if record.key is not None and record.key != normal(email):
        run.strays.append(("keys", None, f"{_place(record)}: key {record.key!r}; expected {normal(email)!r}"))
    before = run.facts.get(normal(email))
    if isinstance(version, int) and (before is None or (before.version is not None and before.version < version)):
        run.facts[normal(email)] = Fact(version, record.partition, record.offset)


def _place(record: Record) -> str:
    return f"{record.topic}[{record.partition}]@{record.offset}"


def _told(event: str, record: Record, value: Mapping[str, Any], known: _Known) -> Told:
    email = _text(value, "customer_email", known)
    number = value.get("number")
    # Of all moments told, only these are compared with anything.
    at = value.get("requested_at" if event == "ConfirmationResendRequested" else "sent_at")
    return Told(
        event=event,
        identity=None if record.ce_id is None else hash(record.ce_id),
        sum=hash(repr(value)),
        partner_id=_text(value, "partner_id", known),
        email=None if email is None else known.text(normal(email)),
        word=_text(value, "outcome", known) or _text(value, "code", known),
        number=number if isinstance(number, int) else None,
        person=_text(value, "requested_by", known) or _text(value, "claimed_by", known),
        at=_moment(at),
        until=_moment(value.get("valid_until")),
        partition=record.partition,
        offset=record.offset,
    )


def _text(value: Mapping[str, Any], name: str, known: _Known) -> str | None:
    text = value.get(name)
    return known.text(text) if isinstance(text, str) else None


def _moment(written: object) -> datetime | None:
    if not isinstance(written, str):
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _read_line(line: Line, run: Run, known: _Known) -> None:
    move = Move(line.service, line.status_from, line.status_to, line.event, line.note, line.version)
    move = known.moves.setdefault(move, move)
    at = known.times.setdefault(line.at, line.at)
    registration_id = known.text(line.registration_id)
    run.of(registration_id).extend((move, at))
    if move.service == "registrar" and not move.note:
        run.moves.append((registration_id, move, at))


def _read_mail(row: MailRow, run: Run, known: _Known) -> None:
    queued_at = known.times.setdefault(row.queued_at, row.queued_at)
    mail = Mail(intern(row.kind), row.period, row.number, intern(row.state), queued_at, row.sent_at)
    run.of(known.text(row.registration_id)).append(mail)


def _read_received(message: Received, run: Run, known: _Known) -> None:
    local = message.message_id.strip().strip("<>").rpartition("@")[0]
    match local.rsplit(".", 3):
        case [registration_id, kind, period, number] if period.isdecimal() and number.isdecimal():
            arrived = Arrived(known.text(normal(message.to)), intern(kind), int(period), int(number))
            run.of(known.text(registration_id.lower())).append(arrived)
        case _:
            detail = f"received {message.message_id!r}; expected <registration_id.kind.period.number@domain>"
            run.strays.append(("received_is_owed", None, detail))
