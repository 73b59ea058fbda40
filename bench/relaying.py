"""How many events a second one relay publishes: a service has one that is active, however many instances it has.

    .venv/bin/python -m bench.relaying 50000

So many rows are put into approver's outbox at once, for a topic that nobody reads. Measured until they have left.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from bench import NOTHING_SENT
from bench.room import room, services
from bench.usage import cpu_seconds
from embedded import Servers, servers
from shared.observability import quiet_clients

_FILL = """
    insert into approver.outbox (id, aggregatetype, aggregateid, type, topic, payload, headers, occurred_at)
    select gen_random_uuid(), 'approver', gen_random_uuid(), 'Quarantined', 'approver.quarantine.v1',
        '{"registration_id": "' || gen_random_uuid() || '", "text": "' || repeat('x', 400) || '"}', '{}', now()
    from generate_series(1, $1)
"""


def measure(host: Servers, folder: Path, count: int) -> tuple[float, float]:
    """Events a second, and milliseconds of approver's processor time for one."""
    with room(host, f"relaying_{count}", SMTP_URL=NOTHING_SENT) as there, services(there, folder) as programs:
        approver = programs.processes["approver"].pid
        used = cpu_seconds(approver)
        seconds = asyncio.run(_left(there.database_url, count))
        return count / seconds, 1000 * (cpu_seconds(approver) - used) / count


async def _left(url: str, count: int) -> float:
    """Seconds from the first that leaves until none is left."""
    owner = await asyncpg.connect(url)
    await owner.execute(_FILL.replace("$1", str(count)))
    begun = time.perf_counter()
    while await owner.fetchval("select exists (select from approver.outbox)"):  # noqa: ASYNC110  # another process does
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - begun
    await owner.close()
    return seconds


def main(count: int) -> None:
    quiet_clients()
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder), environ={}, quick_start=False) as host:
        rate, cpu = measure(host, Path(folder), count)
        print(f"{count:,} events: {rate:,.0f}/s by one relay, {cpu:.3f} ms of its service's processor time each")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
