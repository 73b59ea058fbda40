"""One life: chance, then time, then judgement."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg

from checker import check
from checker.evidence import Finding
from embedded.mailbox import Mailbox
from embedded.postgres import Postgres
from services.approver.domain import TRANSITIONS as APPROVER
from services.notifier.domain import TRANSITIONS as NOTIFIER
from services.portal.domain import TRANSITIONS as PORTAL
from services.registrar.domain import TRANSITIONS as REGISTRAR
from shared.eligibility import CurrentCustomers
from shared.migrations import migrate
from shared.topics import SERVICES
from tests.lifecycle.evidence import evidence_of
from tests.lifecycle.people import NOWHERE
from tests.lifecycle.world import World

STEPS = 250
TEMPLATE = "lives"
POLICIES = [policy.value for policy in CurrentCustomers]

Step = tuple[str, str, str, str]
"""Service, status from, event, status to."""


async def make_template(server: Postgres) -> None:
    """A database with all tables: copying it is quicker than making it."""
    url = server.create_database(TEMPLATE)
    for service in SERVICES:
        await migrate(url, service)


async def live(server: Postgres, mailbox: Mailbox, seed: int) -> tuple[list[Finding], Counter[Step], Counter[str]]:
    """What the checker finds of this life, the transitions that it saw, and how its registrations stand."""
    name = f"life_{seed}"
    owner = await asyncpg.connect(server.url)
    await owner.execute(f"drop database if exists {name}")
    await owner.execute(f"create database {name} template {TEMPLATE}")
    world = World(server.create_database(name), mailbox, seed, POLICIES[seed % len(POLICIES)])
    await world.open()
    try:
        return await _live(world)
    finally:
        await world.close()
        await owner.execute(f"drop database {name}")
        await owner.close()


async def _live(world: World) -> tuple[list[Finding], Counter[Step], Counter[str]]:
    world.mailbox.unknown.add(NOWHERE)
    for _ in range(STEPS):
        await world.step()
    await world.settle()
    findings = check(await evidence_of(world))
    for _ in range(3):  # mails that were put off, reminders, expiry
        world.now += timedelta(days=20)
        await world.settle()
    evidence = await evidence_of(world)
    findings += check(evidence)
    steps = Counter(
        (line.service, str(line.status_from), line.event, line.status_to) for line in evidence.lines if not line.note
    )
    statuses = await world.query("select status, count(*) from registrar.registrations group by 1")
    return findings, steps, Counter({row[0]: row[1] for row in statuses})


def every_step() -> set[Step]:
    """All that the services' tables allow."""
    tables: dict[str, Mapping[Any, Any]] = {
        "registrar": REGISTRAR, "notifier": NOTIFIER, "approver": APPROVER, "portal": PORTAL
    }  # fmt: skip
    return {
        (service, str(before), event.__name__ if isinstance(event, type) else str(event), str(after))
        for service, table in tables.items()
        for (before, event), targets in table.items()
        for after in targets
    }
