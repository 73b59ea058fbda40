"""One of three brokers is lost under load: what was acknowledged is kept by the others, and the service goes on."""

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from commands.kafka import apply_topics
from embedded import report_to_stderr
from embedded.kafka_cluster import BROKERS, bootstrap_servers, kafka_cluster
from services.registrar.app import create_app
from shared.events import Event
from shared.settings import RegistrarSettings
from shared.topics import topic_of
from tests.databases import Databases
from tests.faults.evidence import records_of
from tests.integration.conftest import serving
from tests.integration.told import account, request
from tests.services.conftest import eventually, rows

REQUESTS = 300
PARTITIONS = 3


async def test_one_of_three_brokers_may_be_killed_under_load_and_nothing_is_lost_or_doubled(
    databases: Databases, tmp_path: Path
) -> None:
    url = await databases.migrated()
    with kafka_cluster(tmp_path, report_to_stderr) as brokers:
        settings = RegistrarSettings(
            kafka_bootstrap_servers=bootstrap_servers(brokers), database_url=SecretStr(url), kafka_topic_prefix=""
        )
        await apply_topics(settings, BROKERS, PARTITIONS)
        emails = [f"c{n}@example.com" for n in range(REQUESTS)]
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers, acks="all", enable_idempotence=True
        )

        async def tell(event: Event) -> None:
            topic = topic_of(type(event), "portal")
            await producer.send_and_wait(topic, event.model_dump_json().encode(), key=event.key.encode())

        async with producer, serving(create_app(settings)) as registrar:
            late = [f"late{n}@example.com" for n in range(9)]
            await asyncio.gather(*(tell(account(email)) for email in emails + late))
            asking = asyncio.gather(*(tell(request(email, f"p{n % 9}")) for n, email in enumerate(emails)))
            await eventually(lambda: rows(registrar.database, "select 1 from registrations limit 1"), bool)
            await asyncio.to_thread(brokers[0].kill)
            await asking
            await asyncio.gather(*(tell(request(email)) for email in late))

            async def look() -> list[tuple[int, int]]:
                told = "select (select count(*) from registrations), (select count(*) from outbox)"
                return await rows(registrar.database, told)

            await eventually(look, lambda found: found == [(REQUESTS + len(late), 0)])
            opened = [it for it in await records_of(settings) if it.topic == "registration-opened.v1"]
        events = {(it.key, it.ce_id) for it in opened}
    assert len(events) == len({key for key, _ce_id in events}) == REQUESTS + len(late), "one logical event for each"
