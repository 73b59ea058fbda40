"""What the bare programs keep: the columns of the services' tables, with a primary key and no other index."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Connection = Any  # asyncpg carries no types
Event = dict[str, Any]
Told = tuple[str, bytes, bytes, Event, str]
"""Topic, type, key, event, and when."""

TABLES = """
create schema floor;
create table floor.registrar_accounts (like registrar.accounts, primary key (email));
create table floor.approver_accounts (like approver.accounts, primary key (email));
create table floor.registrations (like registrar.registrations, primary key (registration_id));
create table floor.confirmations (like notifier.confirmations, primary key (registration_id));
create table floor.emails (like notifier.emails including identity, primary key (id));
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


async def keep_accounts(connection: Connection, events: list[Event], table: str) -> list[Told]:
    columns = (*_ACCOUNT, "deleted", "offset")
    await copy(connection, table, columns, [(*(it[name] for name in _ACCOUNT), False, 0) for it in events])
    return []


async def registrar_accounts(connection: Connection, events: list[Event]) -> list[Told]:
    return await keep_accounts(connection, events, "registrar_accounts")


async def approver_accounts(connection: Connection, events: list[Event]) -> list[Told]:
    return await keep_accounts(connection, events, "approver_accounts")


async def open_registrations(connection: Connection, events: list[Event]) -> list[Told]:
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
        told.append(("registration-opened.v1", b"RegistrationOpened", it["registration_id"].encode(), opened, said))
    await copy(connection, "registrations", columns, rows)
    return told


async def await_approval(connection: Connection, events: list[Event]) -> list[Told]:
    await connection.execute(
        "update floor.registrations set status = 'awaiting_approval', version = 2, changed_at = $2"
        " where registration_id = any($1::uuid[]) and status = 'awaiting_confirmation'",
        ids(events),
        now()[0],
    )
    return []


async def approve(connection: Connection, events: list[Event]) -> list[Told]:
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
        told.append(("registration-approved.v1", b"RegistrationApproved", key.encode(), event, said))
    return told


_MAIL = ("registration_id", "kind", "period", "number", "state", "attempts", "doubts", "queued_at", "next_attempt_at")


async def ask_customers(connection: Connection, events: list[Event]) -> list[Told]:
    at, _said = now()
    columns = (*_NAMED, "status", "version", "period", "asked_at", "reminded", "undeliverable", "mailed", "reasons")
    rows = [(*(it[name] for name in _NAMED), "pending", 1, 1, at, 0, False, False, []) for it in events]
    await copy(connection, "confirmations", columns, rows)
    mails = [(it, "confirmation", 1, 1, "queued", 0, 0, at, at) for it in ids(events)]
    await copy(connection, "emails", _MAIL, mails)
    return []


async def tell_the_end(connection: Connection, events: list[Event]) -> list[Told]:
    at, _said = now()
    await connection.execute(
        "update floor.confirmations set status = 'confirmed', outcome = 'approved', version = 2, ended_at = $2"
        " where registration_id = any($1::uuid[])",
        ids(events),
        at,
    )
    kinds = ("customer_approved", "partner_approved")
    mails = [(it, kind, 1, 1, "queued", 0, 0, at, at) for it in ids(events) for kind in kinds]
    await copy(connection, "emails", _MAIL, mails)
    return []


async def open_cases(connection: Connection, events: list[Event]) -> list[Told]:
    at, _said = now()
    emails = [it["customer_email"] for it in events]
    await connection.fetch("select * from floor.approver_accounts where email = any($1::text[])", emails)
    columns = (*_WHO, "status", "version", "opened_at", "waiting_since", "due_at", "current_customer", "search_text")
    rows = [(*(it[name] for name in _WHO), "open", 1, at, at, at, False, it["customer_email"]) for it in events]
    await copy(connection, "cases", columns, rows)
    return []


async def close_cases(connection: Connection, events: list[Event]) -> list[Told]:
    await connection.execute(
        "update floor.cases set status = 'approved', outcome = 'approved', version = 2, final_at = $2"
        " where registration_id = any($1::uuid[])",
        ids(events),
        now()[0],
    )
    return []


async def list_registrations(connection: Connection, events: list[Event]) -> list[Told]:
    at, _said = now()
    names = (*_WHO, "requested_by", "requester_locale")
    columns = (*names, "status", "requested_at", "changed_at", "reasons", "mail_number", "resend_awaited",
               "search_text")  # fmt: skip
    state: tuple[Any, ...] = ("awaiting_confirmation", at, at, [], 0, False)
    await copy(
        connection, "portal", columns, [(*(it[name] for name in names), *state, it["common_name"]) for it in events]
    )
    return []


def list_as(status: str) -> Callable[[Connection, list[Event]], Awaitable[list[Told]]]:
    async def store(connection: Connection, events: list[Event]) -> list[Told]:
        await connection.execute(
            "update floor.portal set status = $3, changed_at = $2 where registration_id = any($1::uuid[])",
            ids(events),
            now()[0],
            status,
        )
        return []

    return store


HANDLERS: Mapping[str, Mapping[str, Callable[[Connection, list[Event]], Awaitable[list[Told]]]]] = {
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
        "customer-confirmed.v1": list_as("awaiting_approval"),
        "registration-approved.v1": list_as("approved"),
    },
}
