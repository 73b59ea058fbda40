"""What each server promises on its own: it answers, and what it was given survives a restart and a crash."""

from __future__ import annotations

import stat
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded import Servers
from embedded.kafka import Kafka, kafka
from embedded.postgres import Postgres, postgres


async def query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_postgresql_is_version_18_as_in_production(running: Servers) -> None:
    assert str(await query(running.database_url, "SELECT version()")).startswith("PostgreSQL 18")
    assert await query(running.database_url, "SHOW timezone") == "UTC"
    assert await query(running.database_url, "SELECT upper('nguyễn')") == "NGUYỄN"


async def test_postgresql_refuses_a_wrong_password(running: Servers) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(running.database_url, password="wrong")


async def test_a_second_database_is_made_once(postgres_server: Postgres) -> None:
    url = postgres_server.create_database('another "one"')
    assert await query(url, "SELECT current_database()") == 'another "one"'
    assert postgres_server.create_database('another "one"') == url


async def test_postgresql_keeps_committed_data_over_a_crash_and_a_restart(tmp_path: Path) -> None:
    with postgres(tmp_path) as server:
        assert await query(server.url, "SHOW fsync") == "on"
        await query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        before = server.url
        server.kill()
        server.start()
        assert server.url == before
        assert await query(server.url, "SELECT answer FROM kept") == 42
    with postgres(tmp_path) as server:
        assert await query(server.url, "SELECT answer FROM kept") == 42
    assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600


async def publish(server: Kafka, value: bytes, *, new_topic: bool = False) -> None:
    if new_topic:
        admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
        await admin.start()
        try:
            await admin.create_topics([NewTopic("facts", 3, 1)])
        finally:
            await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=server.bootstrap_servers, enable_idempotence=True) as producer:
        await producer.send_and_wait("facts", value, key=b"one")


async def read(server: Kafka, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(
        "facts",
        bootstrap_servers=server.bootstrap_servers,
        group_id="readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    ) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_kafka_keeps_records_over_a_crash_and_a_restart(tmp_path: Path) -> None:
    with kafka(tmp_path, print) as server:
        await publish(server, b"first", new_topic=True)
        before = server.bootstrap_servers
        server.kill()
        server.start()
        assert server.bootstrap_servers == before
        await publish(server, b"second")
        assert await read(server, 2) == [b"first", b"second"]
    with kafka(tmp_path, print) as server:
        assert await read(server, 2) == [b"first", b"second"]
