"""What a thousand registrations cost each service on their way to approval, and what one alone does, counted, so that
no change makes it dearer unseen. Where a count grew on purpose, COSTS is the place to say so.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from services.approver.handlers import handlers as approver
from services.notifier.handlers import handlers as notifier
from services.portal.handlers import handlers as portal
from services.registrar.handlers import handlers as registrar
from services.registrar.opening import Policy
from shared.database import Database
from shared.eligibility import CurrentCustomers
from shared.events import Event
from shared.messaging.batch import Handlers, Inbox, Record
from shared.stores import history_of
from shared.topics import topic_of
from tests.domain import facts
from tests.domain.notifier import POLICY
from tests.quarantine.records import record
from tests.services.approver.at_work import rules
from tests.services.conftest import Open
from tests.services.costs.counting import Cost, counted

COUNT = 1000
MARGIN = 1.10
"""How much more than written here a batch may cost: other versions of a library call a little more or less."""

# Of a batch of COUNT records: statements, and calls of Python functions a record. And the statements of one alone.
COSTS: Mapping[tuple[str, str], tuple[int, float, int]] = {
    ("registrar", "AccountUpdated"): (4, 52.4, 4),
    ("approver", "AccountUpdated"): (5, 54.6, 5),
    ("registrar", "RegistrationRequested"): (7, 82.9, 5),
    ("notifier", "RegistrationOpened"): (6, 58.0, 4),
    ("portal", "RegistrationOpened"): (4, 69.5, 2),
    ("registrar", "CustomerConfirmed"): (3, 42.2, 3),
    ("approver", "CustomerConfirmed"): (5, 63.7, 3),
    ("portal", "CustomerConfirmed"): (4, 57.3, 3),
    ("registrar", "VngApproved"): (5, 78.5, 4),
    ("notifier", "RegistrationApproved"): (5, 88.5, 4),
    ("approver", "RegistrationApproved"): (4, 67.3, 3),
    ("portal", "RegistrationApproved"): (4, 63.2, 3),
}

HANDLERS: Mapping[str, Handlers] = {
    "registrar": registrar(Policy(2 * COUNT, timedelta(days=30), CurrentCustomers.SKIP)),
    "notifier": notifier(POLICY, ["reviews@vng.example"]),
    "approver": approver(rules()),
    "portal": portal(),
}


def email(number: int) -> str:
    return f"customer{number}@example.vn"


def life(ids: Sequence[UUID]) -> Sequence[tuple[Sequence[Event], Sequence[str]]]:
    """Every batch on the way from request to approval, and who reads it."""
    of = {it: email(it.int) for it in ids}
    return [
        ([facts.account_updated(it) for it in of.values()], ["registrar", "approver"]),
        ([facts.requested(it, customer_email=of[it]) for it in ids], ["registrar"]),
        ([facts.opened(it, customer_email=of[it]) for it in ids], ["notifier", "portal"]),
        ([facts.confirmed(it, customer_email=of[it]) for it in ids], ["registrar", "approver", "portal"]),
        ([facts.vng_approved(it) for it in ids], ["registrar"]),
        (
            [facts.registration_approved(it, customer_email=of[it]) for it in ids],
            ["notifier", "approver", "portal"],
        ),
    ]


def records(events: Sequence[Event]) -> list[Record]:
    return [record(topic_of(type(it), ""), it.model_dump_json().encode(), key=it.key.encode()) for it in events]


@pytest.fixture
async def inboxes(open_database: Open) -> dict[str, tuple[Inbox, Database]]:
    databases = {name: await open_database(name) for name in HANDLERS}
    return {name: (Inbox(HANDLERS[name], database), database) for name, database in databases.items()}


async def test_a_thousand_registrations_cost_no_more_than_they_did_nor_does_one_alone(
    inboxes: dict[str, tuple[Inbox, Database]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await costs(inboxes, [UUID(int=COUNT + 1)], monkeypatch)  # a service's first is dearer: the partner is new
    many = await costs(inboxes, [UUID(int=number) for number in range(1, COUNT + 1)], monkeypatch)
    alone = await costs(inboxes, [UUID(int=COUNT + 2)], monkeypatch)
    found = {
        key: (len(it.statements), round(it.calls / COUNT, 1), len(alone[key].statements)) for key, it in many.items()
    }
    print("\n".join(f"    {key!r}: {it!r}," for key, it in found.items()))
    assert {it.transactions for it in many.values()} == {1}
    assert found.keys() == COSTS.keys()
    dearer = {
        key: f"{it} in place of {COSTS[key]}"
        for key, it in found.items()
        if it[0] > COSTS[key][0] or it[1] > COSTS[key][1] * MARGIN or it[2] > COSTS[key][2]
    }
    assert not dearer


async def test_a_whole_life_that_waits_in_one_batch_takes_a_service_one_transaction_for_each_handler(
    inboxes: dict[str, tuple[Inbox, Database]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [UUID(int=1)]
    transactions = {}
    for name, (inbox, database) in inboxes.items():
        batch = [it for events, readers in life(ids) if name in readers for it in records(events)]
        with counted(database, monkeypatch) as cost:
            assert await inbox.accept(batch, asyncio.Event())
        transactions[name] = cost.transactions
    assert transactions == {"registrar": 3, "notifier": 1, "approver": 2, "portal": 1}
    assert {name: await steps(database, ids[0]) for name, (_inbox, database) in inboxes.items()} == {
        "registrar": [
            ("RegistrationRequested", "awaiting_confirmation"),
            ("CustomerConfirmed", "awaiting_approval"),
            ("VngApproved", "approved"),
        ],
        "notifier": [("RegistrationOpened", "pending"), ("RegistrationApproved", "void")],
        "approver": [("CustomerConfirmed", "open"), ("RegistrationApproved", "approved")],
        "portal": [
            ("RegistrationOpened", "awaiting_confirmation"),
            ("CustomerConfirmed", "awaiting_approval"),
            ("RegistrationApproved", "approved"),
        ],
    }


async def steps(database: Database, registration_id: UUID) -> Sequence[tuple[str, str]]:
    async with database.reading() as looking:
        lines = await history_of(looking, registration_id)
    return [(line.event, line.status_to) for line in lines if not line.note]


async def costs(
    inboxes: dict[str, tuple[Inbox, Database]], ids: Sequence[UUID], patch: pytest.MonkeyPatch
) -> dict[tuple[str, str], Cost]:
    found: dict[tuple[str, str], Cost] = {}
    for events, readers in life(ids):
        for name in readers:
            inbox, database = inboxes[name]
            batch = records(events)
            with counted(database, patch) as cost:
                assert await inbox.accept(batch, asyncio.Event())
            found[name, type(events[0]).type()] = cost
    return found
