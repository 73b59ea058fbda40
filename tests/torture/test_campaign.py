"""A short campaign, and one whose services have defects. The long one is `make torture`.

Each point is died at once at least; in the long campaign at every service that has it.
"""

import os
from pathlib import Path
from random import Random

import pytest

from commands.kafka import apply_topics
from embedded import Servers
from shared.settings import KafkaSettings
from tests.torture.campaign import Campaign
from tests.torture.load import Fate
from tests.torture.plan import Death, Plan
from tests.torture.planted import DEFECTS
from tests.torture.points import PLACES, POINTS, Crash, points_of
from tests.torture.report import Report

PARTITIONS = 2
SEED = 20
WHERE = {
    "registrar": ("before handler", "after handler", "before commit", "after commit"),
    "notifier": ("before SMTP DATA", "after SMTP DATA", "before mark sent", "after mark sent"),
    "approver": ("before offset commit", "after offset commit", "before publish"),
    "portal": ("after publish", "before outbox delete", "after outbox delete"),
}
MIX = {
    Fate.WITHDRAWN: 0.4,
    Fate.REFUSED: 0.1,
    Fate.AGREE: 0.3,
    Fate.REVIEWED: 0.1,
    Fate.DECLINE: 0.05,
    Fate.REGRET: 0.05,
}
DEFECTIVE = {
    "notifier": ("offsets committed before the database", Death(Crash("before commit"))),
    "portal": ("outbox row deleted before the ack", Death(Crash("after outbox delete"))),
}


@pytest.fixture
def settings(running: Servers, topic_prefix: str) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers=running.kafka_bootstrap_servers, kafka_topic_prefix=topic_prefix)


async def run(plan: Plan, settings: KafkaSettings, database_url: str, folder: Path) -> Report:
    await apply_topics(settings, 1, PARTITIONS)
    report = await Campaign(plan, settings, database_url, os.environ, folder).run()
    print("\n".join(report.lines()))
    return report


def test_the_points_of_the_short_campaign_are_all_points() -> None:
    assert sorted(point for points in WHERE.values() for point in points) == sorted(POINTS)
    assert {(name, point) for name, points in WHERE.items() for point in points} <= set(PLACES)
    assert set(points_of("portal")) < set(POINTS)


@pytest.mark.timeout(300)
async def test_whoever_dies_at_whatever_point_nothing_is_lost_and_nothing_happens_twice(
    settings: KafkaSettings, database_url: str, tmp_path: Path
) -> None:
    chance = Random(SEED)
    deaths = {name: [Death(Crash(it, chance.randint(1, 3))) for it in points] for name, points in WHERE.items()}
    report = await run(Plan(SEED, deaths, MIX, rate=20), settings, database_url, tmp_path)
    assert report.clean, report.lines()
    assert {point for _service, point in report.kills} == set(POINTS), "each point is died at, none is missed"


@pytest.mark.timeout(300)
async def test_a_planted_defect_is_found(settings: KafkaSettings, database_url: str, tmp_path: Path) -> None:
    """At the same points where services without it lose nothing."""
    assert {defect for defect, _death in DEFECTIVE.values()} == set(DEFECTS)
    mix = {Fate.WITHDRAWN: 0.5, Fate.REFUSED: 0.2, Fate.REGRET: 0.3}
    plan = Plan(
        SEED,
        {name: [death] for name, (_defect, death) in DEFECTIVE.items()},
        mix,
        rate=20,
        defects={name: defect for name, (defect, _death) in DEFECTIVE.items()},
        patience=2.0,
    )
    report = await run(plan, settings, database_url, tmp_path)
    unread = [it for it in report.findings if it.promise == "told_is_read" and "notifier has no line" in it.detail]
    untold = [it for it in report.findings if it.detail.startswith("RegistrationRequested: 0 told, 1 in portal's")]
    assert unread, "offsets were committed before the database"
    assert untold, "outbox rows were deleted before the acknowledgement"
