"""Services put together on a real database, without Kafka."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.registrar.app import create_app
from shared.clock import system_clock
from shared.service import Service
from shared.settings import RegistrarSettings


def registrar_at(database_url: str) -> Service:
    settings = RegistrarSettings(kafka_bootstrap_servers="localhost:1", database_url=SecretStr(database_url))
    return create_app(settings, clock=system_clock)


@pytest.fixture
async def registrar(database_url: str) -> AsyncIterator[Service]:
    service = registrar_at(database_url)
    yield service
    await service.database.close()
