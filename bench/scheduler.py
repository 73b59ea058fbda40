"""What a scheduler's pass costs over many open registrations, and what consumers notice of it.

    .venv/bin/python -m bench.scheduler 1000000

So many open confirmations and cases are stored first, a hundredth of them due: half of the due confirmations over,
half to be reminded. Then two passes of each service's scheduler are timed, and batches of new registrations are stored
beside a pass of the same process and without one, by turns.
"""

import asyncio
import re
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from pydantic import SecretStr

from embedded.postgres import postgres
from services.approver.app import create_app as approver
from services.notifier.app import create_app as notifier
from shared.events import Locale, RegistrationOpened
from shared.migrations import migrate
from shared.service import Service
from shared.settings import ApproverSettings, NotifierSettings

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
LIMIT = 2.0  # seconds a pass may take
BATCHES = 20
BATCH = 200
ROUNDS = 3

_CONFIRMATIONS = """
    insert into notifier.confirmations (registration_id, partner_id, partner_name, customer_email, common_name, role,
        locale, requested_by, requester_locale, status, version, period, asked_at, sent_at, valid_until, reminded,
        reminded_to, undeliverable, mailed, due_at, reasons)
    select gen_random_uuid(), 'p-' || n % 1000, 'Saigon Cloud', 'k' || n || '@example.com', 'Khách ' || n, 'Partner',
        'vi', 'lan@saigon-cloud.example', 'vi', 'pending', 2, 1, $1::timestamptz - interval '8 days',
        $1::timestamptz - interval '8 days', due + more, 0, null, false, true, due, '{}'
    from generate_series($2::int, $3::int) n,
        lateral (select case when n % 100 = 0 then $1::timestamptz - n % 1000 * interval '1 second'
                        else $1::timestamptz + (n % 86400 + 3600) * interval '1 second' end as due,
                 case when n % 200 = 0 then interval '0' else interval '7 days' end as more) times
"""
_CASES = """
    insert into approver.cases (registration_id, partner_id, partner_name, customer_email, common_name, role, status,
        version, opened_at, due_at, current_customer, search_text)
    select gen_random_uuid(), 'p-' || n % 1000, 'Saigon Cloud', 'k' || n || '@example.com', 'Khách ' || n, 'Partner',
        'open', 1, $1::timestamptz - interval '3 days',
        case when n % 100 = 0 then $1::timestamptz - n % 1000 * interval '1 second'
        else $1::timestamptz + (n % 86400 + 3600) * interval '1 second' end,
        false, 'k' || n || ' example com khach ' || n
    from generate_series($2::int, $3::int) n
"""


def services(url: str, moment: list[datetime]) -> tuple[Service, Service]:
    common: dict[str, Any] = {"kafka_bootstrap_servers": "localhost:1", "database_url": SecretStr(url)}
    secret = SecretStr("a secret of the client")
    ours = NotifierSettings(
        **common,
        public_url="http://localhost:8001",
        portal_url="http://localhost:8002",
        approver_url="http://localhost:8003",
        smtp_url=SecretStr("smtp://localhost:1"),
        mail_from="registration@vngcloud.example",
        review_mail_to=["reviews@vng.example"],
        link_secret=[SecretStr("a key for links of the benchmark")],
    )
    theirs = ApproverSettings(
        **common,
        public_url="http://localhost:8003",
        oidc_issuer="http://localhost:1",
        oidc_client_id="approver",
        oidc_client_secret=secret,
    )
    return notifier(ours, clock=lambda: moment[0]), approver(theirs, clock=lambda: moment[0])


async def fill(owner: Any, count: int) -> None:
    for sql in (_CONFIRMATIONS, _CASES):
        for first in range(1, count + 1, 100_000):
            await owner.execute(sql, NOW, first, min(count, first + 99_999))
    await owner.execute("vacuum analyze notifier.confirmations")
    await owner.execute("vacuum analyze approver.cases")


async def one_pass(service: Service) -> float:
    begun = time.perf_counter()
    assert await service.scheduler.catch_up(asyncio.Event()), service.scheduler.trouble
    return time.perf_counter() - begun


def opened() -> list[RegistrationOpened]:
    return [
        RegistrationOpened(
            registration_id=uuid4(),
            partner_id="p-1",
            partner_name="Saigon Cloud",
            customer_email="k@example.com",
            common_name="Khách",
            role="Partner",
            locale=Locale.VI,
            requested_by="lan@saigon-cloud.example",
            requester_locale=Locale.VI,
            opened_at=NOW,
        )
        for _ in range(BATCH)
    ]


async def consume(service: Service) -> list[float]:
    """Seconds for each of the batches, as the consumer stores them."""
    handler = service.consumer.inbox.handler_of(RegistrationOpened)
    taken = []
    for _ in range(BATCHES):
        begun = time.perf_counter()
        async with service.database.transaction() as tx:
            await handler(opened(), tx)
        taken.append(time.perf_counter() - begun)
    return taken


async def beside(service: Service, moment: list[datetime]) -> tuple[list[float], list[float]]:
    """The same without a pass and with one over some ten thousand more due rows, by turns."""
    alone: list[float] = []
    together: list[float] = []
    for _ in range(ROUNDS):
        alone += await consume(service)
        moment[0] += timedelta(minutes=75 if not together else 15)
        scheduling = asyncio.create_task(one_pass(service))
        together += await consume(service)
        await scheduling
    return alone, together


async def run(url: str, count: int) -> bool:
    for name in ("notifier", "approver"):
        await migrate(url, name)
    owner = await asyncpg.connect(url, command_timeout=600)
    await fill(owner, count)
    moment = [NOW]
    good = True
    both = services(url, moment)
    for service, table in zip(both, ("confirmations", "cases"), strict=True):
        for pass_number in (1, 2):
            taken = await one_pass(service)
            print(f"{service.name:<10} {count:>9,} open {table}, pass {pass_number}: {taken:.2f} s")
            good &= taken < LIMIT
        counts = f"select type, count(*) from {service.name}.outbox group by 1 order by 1"  # noqa: S608  # our own name
        told = await owner.fetch(counts)
        print(f"{'':<10} told {dict(map(tuple, told)) or 'nothing'}")
    mails = await owner.fetchval("select count(*) from notifier.emails")
    print(f"{'':<10} reminders queued {mails:,}")
    alone, together = await beside(both[0], moment)
    for what, lasted in (("alone", alone), ("beside a pass", together)):
        print(
            f"consuming  {BATCH} events {what}: median {1000 * statistics.median(lasted):.0f} ms, "
            f"longest {1000 * max(lasted):.0f} ms of {len(lasted)} batches"
        )
    print(f"consuming  beside a pass takes {statistics.median(together) / statistics.median(alone):.2f} times as long")
    for service in both:
        await service.database.close()
    await owner.close()
    return good


def main() -> None:
    count = int(re.sub(r"[_,]", "", sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as server:
        good = asyncio.run(run(server.create_database("bench"), count))
    print(f"a pass is {'under' if good else 'NOT under'} {LIMIT:.0f} s")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
