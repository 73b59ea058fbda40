"""What a thousand registrations cost each service on their way to approval, counted, so that no change makes it dearer
unseen. Where a count grew on purpose, COSTS is the place to say so.
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

# Of a batch of COUNT records: statements, and calls of Python functions a record.
COSTS: Mapping[tuple[str, str], tuple[int, float]] = {
    ("registrar", "AccountUpdated"): (4, 74.8),
    ("approver", "AccountUpdated"): (5, 77.2),
    ("registrar", "RegistrationRequested"): (13, 108.1),
    ("notifier", "RegistrationOpened"): (6, 57.1),
    ("portal", "RegistrationOpened"): (4, 114.7),
    ("registrar", "CustomerConfirmed"): (3, 60.6),
    ("approver", "CustomerConfirmed"): (5, 136.5),
    ("portal", "CustomerConfirmed"): (4, 110.0),
    ("registrar", "VngApproved"): (5, 113.9),
    ("notifier", "RegistrationApproved"): (5, 119.9),
    ("approver", "RegistrationApproved"): (4, 96.1),
    ("portal", "RegistrationApproved"): (4, 112.4),
}

IDS = [UUID(int=number) for number in range(1, COUNT + 1)]
HANDLERS: Mapping[str, Handlers] = {
    "registrar": registrar(Policy(COUNT, timedelta(days=30), CurrentCustomers.SKIP)),
    "notifier": notifier(POLICY, ["reviews@vng.example"]),
    "approver": approver(rules()),
    "portal": portal(),
}


def email(number: int) -> str:
    return f"customer{number}@example.vn"


LIFE: Sequence[tuple[Sequence[Event], Sequence[str]]] = [
    ([facts.account_updated(email(n)) for n in range(COUNT)], ["registrar", "approver"]),
    ([facts.requested(it, customer_email=email(n)) for n, it in enumerate(IDS)], ["registrar"]),
    ([facts.opened(it, customer_email=email(n)) for n, it in enumerate(IDS)], ["notifier", "portal"]),
    (
        [facts.confirmed(it, customer_email=email(n)) for n, it in enumerate(IDS)],
        ["registrar", "approver", "portal"],
    ),
    ([facts.vng_approved(it) for it in IDS], ["registrar"]),
    (
        [facts.registration_approved(it, customer_email=email(n)) for n, it in enumerate(IDS)],
        ["notifier", "approver", "portal"],
    ),
]
"""Every batch on the way from request to approval, and who reads it."""


def records(events: Sequence[Event]) -> list[Record]:
    return [record(topic_of(type(it), ""), it.model_dump_json().encode(), key=it.key.encode()) for it in events]


@pytest.fixture
async def inboxes(open_database: Open) -> dict[str, tuple[Inbox, Database]]:
    databases = {name: await open_database(name) for name in HANDLERS}
    return {name: (Inbox(HANDLERS[name], database), database) for name, database in databases.items()}


async def test_a_thousand_registrations_cost_no_more_than_they_did(
    inboxes: dict[str, tuple[Inbox, Database]], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: dict[tuple[str, str], Cost] = {}
    for events, readers in LIFE:
        for name in readers:
            inbox, database = inboxes[name]
            batch = records(events)
            with counted(database, monkeypatch) as cost:
                assert await inbox.accept(batch, asyncio.Event())
            costs[name, type(events[0]).type()] = cost
    found = {key: (len(it.statements), round(it.calls / COUNT, 1)) for key, it in costs.items()}
    print("\n".join(f"    {key!r}: {it!r}," for key, it in found.items()))
    assert {it.transactions for it in costs.values()} == {1}
    assert found.keys() == COSTS.keys()
    dearer = {
        key: f"{it} in place of {COSTS[key]}"
        for key, it in found.items()
        if it[0] > COSTS[key][0] or it[1] > COSTS[key][1] * MARGIN
    }
    assert not dearer
