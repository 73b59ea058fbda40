"""Registrations keep coming while the servers and the network fail, several at once: readiness tells the truth, all is
well within seconds of the end, and the checker finds nothing. `make faults` goes on for longer, with each fault."""

import asyncio
from collections import Counter

import pytest

from checker import check
from shared import service
from tests.faults.campaign import Seen, suffer, table
from tests.faults.evidence import evidence_of, settled
from tests.faults.load import Load
from tests.faults.rig import Rig, all_ready, fleet_here

SEED = 6
MOST = 200  # registrations; it will be fewer
EVERY = 0.4  # seconds between two registrations
LASTS = 1.5  # seconds
RECOVERS_WITHIN = 20.0  # seconds; on a busy machine
SETTLES_WITHIN = 60.0
ROUNDS = [
    ("kafka cut", "postgres hang", "smtp half-open"),
    ("kafka hang", "postgres disk full", "smtp cut"),
    ("kafka killed", "postgres read only", "smtp slow"),
    ("kafka reset", "postgres killed", "smtp hang"),
]


@pytest.mark.timeout(300)
async def test_whatever_fails_nothing_is_lost_nothing_counts_twice_and_no_service_says_ready_when_it_is_not(
    made: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STALE_ANSWER", 1.0)
    load, enough = Load(made, SEED, MOST), asyncio.Event()
    seen: list[Seen] = []
    async with fleet_here(made) as fleet:
        await all_ready(fleet, RECOVERS_WITHIN)
        await load.prepare()
        coming = asyncio.create_task(load.keep_coming(EVERY, enough, SETTLES_WITHIN))
        for names in ROUNDS:
            seen.append(await suffer(made, fleet, load, names, LASTS, RECOVERS_WITHIN))
            print(seen[-1])
        enough.set()
        await coming
        await settled(made, SETTLES_WITHIN)
        findings = check(await evidence_of(made))
    print(*table(seen), sep="\n")
    print(f"seed {SEED}: {len(load.ways)} registrations: {dict(Counter(map(str, load.ways.values())))}")
    assert findings == []
    assert [it for it in seen if it.lied] == []
    statuses = {
        row[0]: row[1] for row in await made.rows("select registration_id, status from registrar.registrations")
    }
    assert statuses == {it: way.status for it, way in load.ways.items()}
