"""What the bare programs keep: the columns of the services' tables, with a primary key and no other index."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Connection = Any  # asyncpg carries no types
Event = dict[str, Any]


class Told(NamedTuple):
    """What is published once a batch is stored."""

    topic: str
    type: bytes
    key: bytes
    event: Event
    at: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A mail to send once a batch is stored."""

    id: int
    registration_id: str
    kind: str
    partner_id: str
    customer_email: str
    common_name: str


Follows = Sequence[Told | Owed]

TABLES = """
create schema floor;
create table floor.registrar_accounts (like registrar.accounts, primary key (email));
create table floor.approver_accounts (like approver.accounts, primary key (email));
create table floor.registrations (like registrar.registrations, primary key (registration_id));
create table floor.confirmations (like notifier.confirmations, primary key (registration_id));
create table floor.emails (like notifier.emails, primary key (id));
create table floor.cases (like approver.cases, primary key (registration_id));
create table floor.portal (like portal.registrations, primary key (registration_id));
"""

_ACCOUNT = ("email", "account_id", "holder_name", "locale", "billing", "credit_balance", "active_services",
            "active_discounts", "in_poc", "vng_customer", "version")  # fmt: skip
_WHO = ("registration_id", "partner_id", "partner_name", "customer_email", "common_name", "role")
_NAMED = (*_WHO, "locale", "requested_by", "requester_locale")


async def copy(connection: Connection, table: str, columns: tuple[str, ...], records: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table(table, schema_name="floor", columns=columns, records=records)


def now() -> tuple[datetime, str]:
    at = datetime.now(UTC)
    return at, at.isoformat().replace("+00:00", "Z")


def ids(events: list[Event]) -> list[str]:
    return [it["registration_id"] for it in events]


async def keep_accounts(connection: Connection, events: list[Event], table: str) -> Follows:
    columns = (*_ACCOUNT, "deleted", "offset")
    await copy(connection, table, columns, [(*(it[name] for name in _ACCOUNT), False, 0) for it in events])
    return []


async def registrar_accounts(connection: Connection, events: list[Event]) -> Follows:
    return await keep_accounts(connection, events, "registrar_accounts")


async def approver_accounts(connection: Connection, events: list[Event]) -> Follows:
    return await keep_accounts(connection, events, "approver_accounts")


async def open_registrations(connection: Connection, events: list[Event]) -> Follows:
    emails = [it["customer_email"] for it in events]
    known = await connection.fetch("select * from floor.registrar_accounts where email = any($1::text[])", emails)
    accounts = {it["email"]: it for it in known if not it["credit_balance"] and it["billing"] == "prepaid"}
    at, said = now()
    names = ("registration_id", "partner_id", "partner_name", "customer_email", "common_name", "role", "requested_by",
             "requester_locale")  # fmt: skip
    columns = (*names, "locale", "account_id", "status", "version", "codes", "requested_at", "changed_at")
    rows, told = [], []
    for it in events:
        account = accounts[it["customer_email"]]
        state: tuple[Any, ...] = (account["locale"], account["account_id"], "awaiting_confirmation", 1, [], at, at)
        rows.append((*(it[name] for name in names), *state))
        opened = {name: it[name] for name in names} | {"locale": account["locale"], "opened_at": said}
        told.append(Told("registration-opened.v1", b"RegistrationOpened", it["registration_id"].encode(), opened, said))
    await copy(connection, "registrations", columns, rows)
    return told


async def await_approval(connection: Connection, events: list[Event]) -> Follows:
    await connection.execute(
        "update floor.registrations set status = 'awaiting_approval', version = 2, changed_at = $2"
        " where registration_id = any($1::uuid[]) and status = 'awaiting_confirmation'",
        ids(events),
        now()[0],
    )
    return []


async def approve(connection: Connection, events: list[Event]) -> Follows:
    at, said = now()
    by = {it["registration_id"]: it["approved_by"] for it in events}
    rows = await connection.fetch(
        "update floor.registrations set status = 'approved', version = 3, changed_at = $2"
        " where registration_id = any($1::uuid[]) returning *",
        list(by),
        at,
    )
    told = []
    for row in rows:
        key = str(row["registration_id"])
        event = {name: row[name] for name in (*_NAMED, "account_id")}
        event |= {"registration_id": key, "approved_by": by[key], "approved_at": said}
        told.append(Told("registration-approved.v1", b"RegistrationApproved", key.encode(), event, said))
    return told


_MAIL = ("id", "registration_id", "kind", "period", "number", "state", "attempts", "doubts", "queued_at",
         "next_attempt_at")  # fmt: skip
_numbers = itertools.count(1)


async def owe(connection: Connection, events: list[Event], *kinds: str) -> Follows:
    at, _said = now()
    mails = [
        Owed(next(_numbers), it["registration_id"], kind, it["partner_id"], it["customer_email"], it["common_name"])
        for it in events
        for kind in kinds
    ]
    rows = [(it.id, it.registration_id, it.kind, 1, 1, "queued", 0, 0, at, at) for it in mails]
    await copy(connection, "emails", _MAIL, rows)
    return mails


async def ask_customers(connection: Connection, events: list[Event]) -> Follows:
    at, _said = now()
    columns = (*_NAMED, "status", "version", "period", "asked_at", "reminded", "undeliverable", "mailed", "reasons")
    rows = [(*(it[name] for name in _NAMED), "pending", 1, 1, at, 0, False, False, []) for it in events]
    await copy(connection, "confirmations", columns, rows)
    return await owe(connection, events, "confirmation")


async def tell_the_end(connection: Connection, events: list[Event]) -> Follows:
    await connection.execute(
        "update floor.confirmations set outcome = 'approved', version = version + 1, ended_at = $2"
        " where registration_id = any($1::uuid[])",
        ids(events),
        now()[0],
    )
    return await owe(connection, events, "customer_approved", "partner_approved")


VALID_FOR = timedelta(days=15)


async def mark_sent(connection: Connection, mails: Sequence[Owed]) -> Follows:
    at, said = now()
    until = at + VALID_FOR
    asking = [it for it in mails if it.kind == "confirmation"]
    async with connection.transaction():
        await connection.execute(
            "update floor.emails set state = 'sent', attempts = 1, sent_at = $2 where id = any($1::bigint[])",
            [it.id for it in mails],
            at,
        )
        if asking:
            await connection.execute(
                "update floor.confirmations set sent_at = $2, valid_until = $3, due_at = $3, mailed = true"
                " where registration_id = any($1::uuid[])",
                [it.registration_id for it in asking],
                at,
                until,
            )
    ends = until.isoformat().replace("+00:00", "Z")
    sent = {"number": 1, "sent_at": said, "valid_until": ends, "resends_left": 3, "next_resend_at": said}
    return [
        Told(
            "confirmation-sent.v1",
            b"ConfirmationSent",
            it.registration_id.encode(),
            {"registration_id": it.registration_id, "partner_id": it.partner_id, **sent},
            said,
        )
        for it in asking
    ]


async def look(connection: Connection, registration_ids: Sequence[str]) -> dict[str, Any]:
    """What the confirmation's page shows."""
    rows = await connection.fetch(
        "select * from floor.confirmations where registration_id = any($1::uuid[])", registration_ids
    )
    return {str(row["registration_id"]): row for row in rows}


async def confirm(connection: Connection, registration_ids: Sequence[str]) -> tuple[dict[str, Any], Follows]:
    at, said = now()
    rows = await connection.fetch(
        "update floor.confirmations set status = 'confirmed', version = version + 1, answered_at = $2, due_at = null"
        " where registration_id = any($1::uuid[]) and status = 'pending' returning *",
        registration_ids,
        at,
    )
    told = []
    for row in rows:
        key = str(row["registration_id"])
        event = {name: row[name] for name in _WHO} | {"registration_id": key, "confirmed_at": said}
        told.append(Told("customer-confirmed.v1", b"CustomerConfirmed", key.encode(), event, said))
    return {str(row["registration_id"]): row for row in rows}, told


async def approve_cases(connection: Connection, registration_ids: Sequence[str]) -> tuple[dict[str, Any], Follows]:
    at, said = now()
    rows = await connection.fetch(
        "update floor.cases set status = 'approved', version = version + 1, decided_by = 'hoa@vng.example',"
        " decided_at = $2 where registration_id = any($1::uuid[]) and status = 'open' returning registration_id",
        registration_ids,
        at,
    )
    keys = [str(row["registration_id"]) for row in rows]
    told = [Told("vng-approved.v1", b"VngApproved", key.encode(), _approval(key, said), said) for key in keys]
    return dict.fromkeys(keys), told


def _approval(key: str, at: str) -> Event:
    more: Event = {"note": None, "override_reason": None, "failing_codes": []}
    return {"registration_id": key, "approved_by": "hoa@vng.example", "approved_at": at, **more}


async def open_cases(connection: Connection, events: list[Event]) -> Follows:
    at, _said = now()
    emails = [it["customer_email"] for it in events]
    await connection.fetch("select * from floor.approver_accounts where email = any($1::text[])", emails)
    columns = (*_WHO, "status", "version", "opened_at", "waiting_since", "due_at", "current_customer", "search_text")
    rows = [(*(it[name] for name in _WHO), "open", 1, at, at, at, False, it["customer_email"]) for it in events]
    await copy(connection, "cases", columns, rows)
    return []


async def close_cases(connection: Connection, events: list[Event]) -> Follows:
    await connection.execute(
        "update floor.cases set status = 'approved', outcome = 'approved', version = version + 1, final_at = $2"
        " where registration_id = any($1::uuid[])",
        ids(events),
        now()[0],
    )
    return []


async def list_registrations(connection: Connection, events: list[Event]) -> Follows:
    at, _said = now()
    names = (*_WHO, "requested_by", "requester_locale")
    columns = (*names, "status", "requested_at", "changed_at", "reasons", "mail_number", "resend_awaited",
               "search_text")  # fmt: skip
    state: tuple[Any, ...] = ("awaiting_confirmation", at, at, [], 0, False)
    await copy(
        connection, "portal", columns, [(*(it[name] for name in names), *state, it["common_name"]) for it in events]
    )
    return []


async def list_sent(connection: Connection, events: list[Event]) -> Follows:
    sent = events[-1]
    await connection.execute(
        "update floor.portal set mail_number = 1, mail_sent_at = $2, valid_until = $3, resends_left = 3"
        " where registration_id = any($1::uuid[])",
        ids(events),
        datetime.fromisoformat(sent["sent_at"]),
        datetime.fromisoformat(sent["valid_until"]),
    )
    return []


def list_as(status: str) -> Callable[[Connection, list[Event]], Awaitable[Follows]]:
    async def store(connection: Connection, events: list[Event]) -> Follows:
        await connection.execute(
            "update floor.portal set status = $3, changed_at = $2 where registration_id = any($1::uuid[])",
            ids(events),
            now()[0],
            status,
        )
        return []

    return store


Store = Callable[[Connection, list[Event]], Awaitable[Follows]]
HANDLERS: Mapping[str, Mapping[str, Store]] = {
    "registrar": {
        "account-updated.v1": registrar_accounts,
        "registration-requested.v1": open_registrations,
        "customer-confirmed.v1": await_approval,
        "vng-approved.v1": approve,
    },
    "notifier": {"registration-opened.v1": ask_customers, "registration-approved.v1": tell_the_end},
    "approver": {
        "account-updated.v1": approver_accounts,
        "customer-confirmed.v1": open_cases,
        "registration-approved.v1": close_cases,
    },
    "portal": {
        "registration-opened.v1": list_registrations,
        "confirmation-sent.v1": list_sent,
        "customer-confirmed.v1": list_as("awaiting_approval"),
        "registration-approved.v1": list_as("approved"),
    },
}
