"""`purge`: nothing is left of the people, everything is left of what happened, under a role that may do just that."""

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from commands import purge as command
from commands.failures import Failed
from services.approver.handlers import handlers as approver_handlers
from services.notifier.handlers import handlers as notifier_handlers
from services.portal import store as portal
from services.portal.handlers import update_registrations
from services.registrar.handlers import handlers as registrar_handlers
from services.registrar.opening import Policy
from shared.database import Database
from shared.eligibility import CurrentCustomers
from shared.events import ConfirmationUndeliverable, Outcome
from shared.messaging.batch import Handlers
from shared.personal import PURGE
from shared.topics import SERVICES
from tests.command_line import Said, as_process, registration
from tests.domain import facts
from tests.domain.facts import DAY, NOW, ONE, THREE, TWO
from tests.domain.notifier import POLICY
from tests.purging import YEARS, purge, years_later
from tests.services.approver.at_work import LAN, decide, rules

RECENTLY = years_later() - YEARS + DAY
HANDLERS: dict[str, Handlers] = {
    "registrar": registrar_handlers(Policy(100, 30 * DAY, CurrentCustomers.SKIP)),
    "notifier": notifier_handlers(POLICY, ["reviews@vng.example"]),
    "approver": approver_handlers(rules()),
}
PEOPLE = {ONE: "an", TWO: "binh", THREE: "chi"}
"""One was rejected long ago, one approved long ago, one rejected not long enough ago."""
KEPT_ELSEWHERE = "('accounts', 'outbox', 'alembic_version')"
"""What VNG says of its accounts, and what is about to leave."""

At = Callable[[str, datetime], Awaitable[Database]]


@pytest.fixture
async def at(database_url: str) -> AsyncIterator[At]:
    """Opens a service's schema at a moment."""
    opened = []

    async def open_one(service: str, moment: datetime) -> Database:
        opened.append(Database(database_url, service, lambda: moment, pool_size=2))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def customer(registration_id: UUID) -> dict[str, Any]:
    who = PEOPLE[registration_id]
    return {"customer_email": f"{who}@people.example", "common_name": f"label of {who}"}


def asked_by(registration_id: UUID) -> dict[str, Any]:
    return {**customer(registration_id), "requested_by": f"clerk-of-{PEOPLE[registration_id]}@partner.example"}


async def hear(service: str, database: Database, *events: Any) -> None:
    for event in events:
        async with database.transaction() as tx:
            await HANDLERS[service][type(event)]([event], tx)


async def live(at: At, registration_id: UUID, moment: datetime, *, approved: bool = False) -> None:
    """A registration's life in all services, with all that is kept about people."""
    it, who = registration_id, PEOPLE[registration_id]
    words = f"words about {who}"
    account = facts.account_updated(f"{who}@people.example", holder_name=f"holder {who}")
    request = facts.requested(it, **asked_by(it))
    yes = facts.confirmed(it, **customer(it))
    final: Any = (
        facts.registration_approved(it, **asked_by(it), approved_at=moment)
        if approved
        else facts.registration_closed(it, Outcome.REJECTED, **asked_by(it), reasons=(words,), closed_at=moment)
    )
    registrar = await at("registrar", moment)
    decision = facts.vng_approved(it) if approved else facts.vng_rejected(it, reason=words)
    await hear("registrar", registrar, account, request, request, yes, decision)
    notifier = await at("notifier", moment)
    asked_again = facts.resend_requested(it, moment, requested_by=asked_by(it)["requested_by"])
    review = facts.review_due(it, customer_email=f"{who}@people.example", claimed_by=f"reviewer-of-{who}@vng.example")
    await hear("notifier", notifier, facts.opened(it, **asked_by(it)), asked_again, review, final)
    approver = await at("approver", moment)
    await hear("approver", approver, account, yes)
    await decide(approver, LAN, approve=approved, registration_id=it, email=f"{who}@people.example")
    await hear("approver", approver, final)
    mailbox = f"550 no mailbox {who}"
    lost = ConfirmationUndeliverable(registration_id=it, partner_id="p-1", detail=mailbox, failed_at=moment)
    async with (await at("portal", moment)).transaction() as tx:
        await portal.request(tx, [request])
        await update_registrations([facts.opened(it, **asked_by(it)), lost], tx)
        await update_registrations([final], tx)


@pytest.fixture
async def lived(at: At, owner: asyncpg.Connection) -> None:
    await live(at, ONE, NOW)
    await live(at, TWO, NOW, approved=True)
    await live(at, THREE, RECENTLY)
    await owner.execute(
        "update notifier.emails set state = 'sent', detail = 'the server said: ' || registration_id || '@'"
    )


async def everything(owner: asyncpg.Connection) -> dict[str, list[str]]:
    """All rows of all services, as text, by table."""
    tables = await owner.fetch(
        f"select schemaname || '.' || tablename from pg_tables where schemaname = any($1) "
        f"and tablename not in {KEPT_ELSEWHERE} order by 1",
        list(SERVICES),
    )
    return {
        name: [row[0] for row in await owner.fetch(f"select t::text from {name} t order by 1")] for (name,) in tables
    }


async def test_nothing_is_left_of_who_was_closed_long_ago_and_all_of_the_others(
    lived: None, owner: asyncpg.Connection, database_url: str
) -> None:
    before = await everything(owner)
    said = await purge(database_url)
    after = await everything(owner)
    assert [line for line in said if line.split()[1] != "0"] == [
        "portal: 1 registrations blanked",
        "registrar: 1 registrations blanked",
        "notifier: 1 confirmations blanked",
        "approver: 1 cases blanked",
    ]
    of_one = [row for them in after.values() for row in them if str(ONE) in row]
    assert of_one and [row for row in of_one if "@" in row or "words about" in row or "label" in row] == []
    assert [row for them in after.values() for row in them if re.search(r"\ban\b", row)] == []
    for table, them in before.items():
        assert len(after[table]) == len(them)
        assert [row for row in after[table] if str(ONE) not in row] == [row for row in them if str(ONE) not in row]


async def test_what_happened_is_still_told_line_by_line(
    lived: None, owner: asyncpg.Connection, database_url: str
) -> None:
    told = "select id, version, status_from, status_to, event, note, at from {}.history order by id"
    before = [await owner.fetch(told.format(service)) for service in SERVICES]
    await purge(database_url)
    assert [await owner.fetch(told.format(service)) for service in SERVICES] == before
    [(status, codes, partner)] = await owner.fetch(
        "select status, codes, partner_name from registrar.registrations where registration_id = $1", ONE
    )
    assert (status, codes, partner) == ("rejected", [], facts.PARTNER["partner_name"])
    actors = "select distinct actor from registrar.history where registration_id = $1 order by 1"
    assert [row[0] for row in await owner.fetch(actors, ONE)] == ["—"]


async def test_codes_stay_where_words_go(at: At, owner: asyncpg.Connection, database_url: str) -> None:
    await hear("registrar", await at("registrar", NOW), facts.requested(ONE, **asked_by(ONE)))
    refused = facts.registration_closed(ONE, Outcome.REFUSED, reasons=("has_credit", "in_poc"), **asked_by(ONE))
    async with (await at("portal", NOW)).transaction() as tx:
        await update_registrations([refused], tx)
    await purge(database_url)
    assert await owner.fetchval("select codes from registrar.registrations") == ["not_registered"]
    assert await owner.fetchval("select reason from registrar.history") == "not_registered"
    assert await owner.fetchval("select reasons from portal.registrations") == ["has_credit", "in_poc"]
    assert await owner.fetchval("select reason from portal.history where note = ''") == "has_credit, in_poc"


async def test_a_dry_run_counts_and_changes_nothing_and_a_second_run_finds_nothing(
    lived: None, owner: asyncpg.Connection, database_url: str
) -> None:
    before = await everything(owner)
    counted = await purge(database_url, dry_run=True)
    assert await everything(owner) == before
    done = await purge(database_url)
    assert [line.replace(" would be blanked", " blanked") for line in counted] == done
    after = await everything(owner)
    assert {line.split()[1] for line in await purge(database_url)} == {"0"}
    assert await everything(owner) == after


async def test_who_still_is_owed_a_mail_is_purged_once_it_has_left(
    lived: None, owner: asyncpg.Connection, database_url: str
) -> None:
    await owner.execute("update notifier.emails set state = 'queued' where registration_id = $1", ONE)
    assert "notifier: 0 confirmations blanked" in await purge(database_url)
    await owner.execute("update notifier.emails set state = 'sent' where registration_id = $1", ONE)
    assert "notifier: 1 confirmations blanked" in await purge(database_url)


async def test_many_are_blanked_in_batches_and_one_that_was_interrupted_goes_on(
    lived: None, owner: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "AT_ONCE", 2)
    columns = (
        "batch_id, partner_id, partner_name, customer_email, common_name, role, locale, account_id, requested_by, "
        "requester_locale, status, version, codes, requested_at, changed_at"
    )
    await owner.execute(
        f"insert into registrar.registrations (registration_id, {columns}) select gen_random_uuid(), {columns} "
        "from registrar.registrations, generate_series(1, 6) where registration_id = $1",
        ONE,
    )
    last = await owner.fetchval(
        "select max(registration_id::text) from registrar.registrations where status = 'rejected'"
    )
    await owner.execute(
        "alter table registrar.registrations add constraint stop "
        f"check (registration_id <> '{last}' or customer_email <> '—')"
    )
    with pytest.raises(Failed, match="run it again"):
        await purge(database_url)
    blanked = "select count(*) from registrar.registrations where customer_email = '—'"
    halfway = await owner.fetchval(blanked)
    await owner.execute("alter table registrar.registrations drop constraint stop")
    said = await purge(database_url)
    assert 0 < halfway < 7 and f"registrar: {7 - halfway} registrations blanked" in said
    assert await owner.fetchval(blanked) == 7


QUARANTINED = """
    insert into {}.quarantine
        (topic, partition, "offset", key, value, headers, reason, state, quarantined_at, acted_by, acted_at, remark)
    values ('some.v1', 0, $1, 'an', 'an@people.example', '[["a", "00"]]', 'invalid_data: an@people.example', $2, $3,
            $4, $3, $5)
"""


async def test_of_what_was_settled_long_ago_in_quarantine_only_its_place_its_code_and_its_end_are_left(
    owner: asyncpg.Connection, database_url: str
) -> None:
    for service in SERVICES:
        put = QUARANTINED.format(service)
        await owner.execute(put, 1, "discarded", NOW, "hoa@vng.example", "an's own")
        await owner.execute(put, 2, "quarantined", NOW, None, None)
        await owner.execute(put, 3, "replayed", RECENTLY, "hoa@vng.example", None)
    await owner.execute(
        'insert into approver.quarantined_elsewhere (service, topic, partition, "offset", reason, quarantined_at) '
        "values ('portal', 'some.v1', 0, 1, 'invalid_data: an@people.example', $1)",
        NOW,
    )
    said = await purge(database_url)
    for service in SERVICES:
        assert f"{service}: 1 settled records of the quarantine blanked" in said
        columns = '"offset", key, value, headers, reason, state, acted_by, remark'
        kept = await owner.fetch(f"select {columns} from {service}.quarantine order by 1")
        assert tuple(kept[0]) == (1, None, None, "[]", "invalid_data", "discarded", "—", None)
        assert [row["value"] for row in kept[1:]] == [b"an@people.example"] * 2
    assert await owner.fetchval("select reason from approver.quarantined_elsewhere") == "invalid_data"


FORBIDDEN = {
    "change a status": "update registrar.registrations set status = 'approved'",
    "change what happened": "update portal.history set event = 'RegistrationApproved'",
    "change when it happened": "update approver.history set at = now()",
    "forget what happened": "delete from notifier.history",
    "add to what happened": "insert into portal.history (actor) values ('nobody')",
    "forget a registration": "delete from portal.registrations",
    "read accounts": "select * from registrar.accounts",
    "read what a mail is about": "select kind from notifier.emails",
    "tell an event": "delete from registrar.outbox",
    "make tables": "create table registrar.more (id int)",
}


@pytest.fixture
async def purger(at: At) -> Database:
    return await at(PURGE, NOW)


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=list(FORBIDDEN))
async def test_the_role_that_purges_may_not(statement: str, purger: Database) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with purger.engine.begin() as connection:
            await connection.execute(text(statement))


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_may_blank_its_history_and_who_may_works_as_no_service(
    service: str, owner: asyncpg.Connection
) -> None:
    role, is_member = f"registration_{service}", "select pg_has_role($1, $2, 'member')"
    assert not await owner.fetchval(is_member, role, "registration_purge")
    assert not await owner.fetchval(is_member, "registration_purge", role)
    for column in ("actor", "reason"):
        may = "select has_column_privilege($1, $2, $3, 'update')"
        assert not await owner.fetchval(may, role, f"{service}.history", column)
        assert await owner.fetchval(may, "registration_purge", f"{service}.history", column)


def run(url: str, *words: str, status: int, **env: str) -> Said:
    return registration("purge", *words, env={**os.environ, "DATABASE_URL": url, **env}, status=status)


def test_the_command_says_what_it_did_by_service(database_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": database_url}
    lines = as_process("purge", "--older-than", "P2Y", env=env, status=0).stdout.splitlines()
    assert {line.split(":")[0] for line in lines} == {*SERVICES}
    assert {line.split()[1] for line in lines} == {"0"}
    counted = run(database_url, "--older-than", "P2Y", "--dry-run", status=0).stdout
    assert counted.splitlines() == [line.replace(" blanked", " would be blanked") for line in lines]


def test_what_is_no_duration_and_what_registrar_still_needs_is_refused(
    database_url: str, empty_database_url: str
) -> None:
    assert "ISO 8601" in run(database_url, "--older-than", "2 years", status=2).stderr
    assert "ISO 8601" in run(database_url, "--older-than", "PT0S", status=2).stderr
    assert "DECLINE_COOLDOWN" in run(database_url, "--older-than", "P30D", status=1).stderr
    run(database_url, "--older-than", "P30D", status=0, DECLINE_COOLDOWN="P7D")
    assert "run" in run(empty_database_url, "--older-than", "P2Y", status=1).stderr
