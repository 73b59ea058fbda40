"""The portal's table on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from services.portal import asks, domain, store
from services.portal.asks import Asked
from services.portal.domain import Registration, Status
from services.portal.facts import Fact
from services.portal.handlers import handlers, update_registrations
from shared.database import Database
from shared.events import ConfirmationResendRequested, Outcome, RegistrationWithdrawn
from shared.history import NO_EFFECT, TRANSITION
from shared.messaging.batch import Inbox, Record
from shared.stores import history_of
from shared.topics import TOPICS, topic_of
from tests.quarantine.records import record
from tests.services.portal.conftest import published, rows
from tests.services.portal.facts import (
    ID,
    STORY,
    approved,
    closed,
    confirmed,
    minutes,
    opened,
    requested,
    resend_refused,
    sent,
)


def as_record(fact: Fact) -> Record:
    return record(topic_of(type(fact), ""), fact.model_dump_json().encode(), key=fact.key.encode())


async def hear(database: Database, *facts: Fact) -> list[str]:
    """Reads `facts` as one batch. Answers why any were refused."""
    async with database.transaction() as tx:
        await update_registrations(facts, tx)
        return [reason for _event, reason in tx.refused]


async def row_of(database: Database, registration_id: UUID = ID) -> Registration:
    async with database.transaction() as tx:
        found = await store.get(tx, registration_id, "p-1")
    assert found
    return found


async def test_everything_that_is_decided_is_what_is_read_back(database: Database) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [request := requested(batch_id=uuid4())])
    facts = [*STORY, closed(Outcome.REFUSED, "not_registered", "Lý do\nkhác, {}")]
    await hear(database, *facts)
    row, _entry = domain.requested(request)
    assert await row_of(database) == domain.read(facts, {ID: row}).changed[ID]


async def test_a_row_is_made_by_whatever_is_heard_first(database: Database) -> None:
    others = [uuid4() for _ in range(3)]
    await hear(database, sent(1, others[0]))
    await hear(database, confirmed(others[1]), opened(others[2]), opened(others[1]))
    found = [(await row_of(database, one)).status for one in others]
    assert found == [Status.AWAITING_CONFIRMATION, Status.AWAITING_APPROVAL, Status.AWAITING_CONFIRMATION]


async def test_two_batches_about_the_same_new_registrations_at_once_lose_nothing(database: Database) -> None:
    for _ in range(3):  # at first the batches wait for their connections rather than for each other
        ids = [uuid4() for _ in range(300)]
        batches: Sequence[Sequence[Fact]] = [
            [opened(one) for one in ids],
            [sent(1, one) for one in reversed(ids)],
            [confirmed(one) for one in ids],
            [approved(one) for one in reversed(ids)],
        ]
        inbox = Inbox(handlers(), database)  # who lost a race reads the batch again
        await asyncio.gather(*(inbox.accept(map(as_record, batch), asyncio.Event()) for batch in batches))
    found = await rows(database, "select status, mail_number, common_name from registrations")
    ended = [it for it in found if (it["status"], it["mail_number"]) == (Status.APPROVED, 1) and it["common_name"]]
    assert len(ended) == 900


async def test_a_batch_heard_again_changes_nothing_and_is_noted_once(database: Database) -> None:
    for _ in range(3):
        await hear(database, opened(), confirmed(), approved())
    async with database.transaction() as tx:
        history = await history_of(tx, ID)
    moves = [(entry.status_from, entry.status_to) for entry in history if entry.note == TRANSITION]
    assert moves == [
        ("requested", "awaiting_confirmation"),
        ("awaiting_confirmation", "awaiting_approval"),
        ("awaiting_approval", "approved"),
    ]
    notes = [entry.event for entry in history if entry.note == NO_EFFECT]
    assert sorted(notes) == ["CustomerConfirmed", "RegistrationApproved", "RegistrationOpened"]


async def test_a_request_is_stored_and_told_in_one_commit_and_only_once(database: Database) -> None:
    first, second = requested(), requested(uuid4(), customer_email="hai@example.com")
    async with database.transaction() as tx:
        assert await store.request(tx, [first]) == {ID}
    async with database.transaction() as tx:
        assert await store.request(tx, [first, second]) == {second.registration_id}
    told = [one["registration_id"] for one in await published(database)]
    assert told == [str(ID), str(second.registration_id)]
    assert len(await rows(database, "select id from history")) == 2


async def test_another_partners_fact_is_refused_and_changes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    before = await row_of(database)
    assert await hear(database, opened(partner_id="p-2")) == ["registration_id_reused"]
    assert await row_of(database) == before


async def test_another_partners_row_is_not_found(database: Database) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
        assert await store.get(tx, ID, "p-1")
        assert await store.get(tx, ID, "p-2") is None


async def test_pages_of_the_partner_are_told_of_whatever_changes_its_rows(database: Database) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested(), requested(uuid4(), "p-2")])
        assert tx._changed == {"p-1", "p-2"}
        await store.request(tx, [])
    async with database.transaction() as tx:
        await store.request(tx, [requested()])  # again
        assert tx._changed == set()
        await update_registrations([opened()], tx)
        assert tx._changed == {"p-1"}


async def test_what_is_asked_is_read_back_and_told_in_one_commit(database: Database) -> None:
    await hear(database, opened(), resend_refused())
    async with database.transaction() as tx:
        row = await store.lock_one(tx, ID, "p-1")
        assert row
        assert await store.lock_one(tx, ID, "p-2") is None
        first = asks.resend(row, "an@partner.example", minutes(20))
        assert isinstance(first, Asked)
        await store.ask(tx, first)
        second = asks.withdraw(first.registration, "an@partner.example", "Lý do\nkhác", minutes(21))
        assert isinstance(second, Asked)
        await store.ask(tx, second)
    assert await row_of(database) == second.registration
    assert len(await published(database, ConfirmationResendRequested, RegistrationWithdrawn)) == 2


def test_every_topic_that_the_portal_reads_has_a_handler() -> None:
    read = {topic.event.type() for topic in TOPICS if "portal" in topic.readers}
    assert {kind.type() for kind in handlers()} == read
