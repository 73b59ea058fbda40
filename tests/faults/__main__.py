"""A long campaign: `make faults`, or `python -m tests.faults MINUTES SEED`. The four services as processes, one fault
after the other, drawn by chance so that each comes as often; then everything settles and the checker judges.

Prints each fault as it was seen, then a table, the registrations by the way that they went, and the findings. Exit
status 1 if a promise was broken, a service did not recover in time, or one said that it was ready when it could not be.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from checker import check
from embedded.postgres import postgres
from shared.observability import quiet_clients
from tests.databases import Databases
from tests.faults.campaign import Seen, suffer, table
from tests.faults.disturbances import DISTURBANCES
from tests.faults.evidence import evidence_of, settled
from tests.faults.load import Load
from tests.faults.rig import Fleet, Rig, all_ready, fleet_of_processes, proxied_kafka, rig

RECOVERS_WITHIN = 60.0
SETTLES_WITHIN = 300.0
EVERY = 0.25  # seconds between two registrations


async def campaign(made: Rig, fleet: Fleet, minutes: float, seed: int) -> int:
    chance, seen, failed = Random(seed), list[Seen](), 0
    load, enough = Load(made, seed, int(60 * minutes / EVERY) + 1000), asyncio.Event()
    await all_ready(fleet, RECOVERS_WITHIN)
    await load.prepare()
    coming = asyncio.create_task(load.keep_coming(EVERY, enough, SETTLES_WITHIN))
    ends, names = time.monotonic() + 60 * minutes, list[str]()
    while time.monotonic() < ends and not coming.done():
        names = names or chance.sample(list(DISTURBANCES), len(DISTURBANCES))
        name, lasts = names.pop(), chance.uniform(3, 20)
        try:
            seen.append(await suffer(made, fleet, load, [name], lasts, RECOVERS_WITHIN))
            print(f"{seen[-1]}", flush=True)
        except TimeoutError as late:
            failed += 1
            print(f"{name} of {lasts:.0f} s: {late}", flush=True)
        await asyncio.sleep(chance.uniform(0, 3))
    enough.set()
    await coming
    await settled(made, SETTLES_WITHIN)
    return failed + await _judge(made, load, seen)


async def _judge(made: Rig, load: Load, seen: list[Seen]) -> int:
    findings = check(await evidence_of(made))
    sql = "select registration_id, status from registrar.registrations"
    statuses = {row[0]: row[1] for row in await made.rows(sql)}
    astray = {it: way for it, way in load.ways.items() if statuses.get(it) != way.status}
    lies = [it for it in seen if it.lied and it.lasted > 8]
    print(*table(seen), sep="\n")
    ids = Counter(mail.message_id for mail in made.mailbox.messages())
    [(sent, tries)] = await made.rows(
        "select count(*) filter (where state = 'sent'), sum(attempts) from notifier.emails"
    )
    again = ids.total() - len(ids)
    print(f"{sent} mails sent in {tries} tries; {ids.total()} messages taken by the server, {again} of them again")
    print(f"{len(seen)} faults; {len(load.ways)} registrations: {dict(Counter(map(str, load.ways.values())))}")
    for what, them in (("finding", findings), ("went another way", list(astray.items())), ("told a lie", lies)):
        print(f"{len(them)} x {what}", *them, sep="\n  ")
    return len(findings) + len(astray) + len(lies)


def main(minutes: float, seed: int) -> int:
    print(f"{minutes:g} minutes, seed {seed}", flush=True)
    quiet_clients()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with postgres(folder / "postgres") as server, proxied_kafka(folder / "kafka") as broker:
            databases = Databases(server)
            asyncio.run(databases.make_template())
            url = asyncio.run(databases.migrated())
            with rig(folder, server, url, broker, "") as made, fleet_of_processes(made) as fleet:
                return 1 if asyncio.run(campaign(made, fleet, minutes, seed)) else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2])))
