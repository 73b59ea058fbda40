"""What a consumer tells of how far it has come."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from shared.database import Transaction
from shared.events import CustomerDeclined
from tests.integration.conftest import Publish, World, service_with, serving
from tests.services.conftest import eventually
from tests.services.test_metrics import told


async def test_records_in_hand_count_as_lag_and_age_until_they_are_stored(world: World, publish: Publish) -> None:
    full, open_hand = asyncio.Event(), asyncio.Event()

    async def hold(_events: Sequence[CustomerDeclined], _tx: Transaction) -> None:
        full.set()
        await open_hand.wait()

    async with serving(service_with(world, "registrar", {CustomerDeclined: hold})) as service:
        key, at = uuid4(), datetime.now(UTC)
        await publish(*[CustomerDeclined(registration_id=key, reason=None, declined_at=at) for _ in range(3)])
        await full.wait()
        numbers = told(await service.metrics.text())
        assert numbers["registration_lag"] == 3
        assert numbers["registration_batch_oldest_seconds"] > 0
        open_hand.set()

        async def later() -> tuple[float, float, float]:
            numbers = told(await service.metrics.text())
            stored = numbers.get('registration_batch_records_sum{event="CustomerDeclined"}', 0)
            return stored, numbers["registration_lag"], numbers["registration_batch_oldest_seconds"]

        await eventually(later, lambda numbers: numbers == (3, 0, 0))
