"""Reads every topic as it is written, prints each event, and lets the demo wait for what must happen next."""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from commands.demo.report import Report
from commands.failures import Failed
from shared import events
from shared.events import Event
from shared.topics import TOPICS

PATIENCE = 60.0  # seconds


class Witness:
    """`of(registration_id)` are the events of one registration so far, by type."""

    def __init__(self, bootstrap_servers: str, prefix: str, report: Report) -> None:
        self._kinds = {prefix + topic.name: topic.event for topic in TOPICS}
        self._consumer = AIOKafkaConsumer(
            *self._kinds,
            bootstrap_servers=bootstrap_servers,
            auto_offset_reset="latest",
            fetch_max_wait_ms=50,
        )
        self._report = report
        self._seen: dict[UUID, dict[type[Event], Any]] = {}
        self._changed = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._consumer.seek_to_end()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._reading:
            self._reading.cancel()
        await self._consumer.stop()

    def of(self, registration_id: UUID) -> Mapping[type[Event], Any]:
        return self._seen.get(registration_id, {})

    def requested(self) -> list[events.RegistrationRequested]:
        """Every request so far, in the order read."""
        kind = events.RegistrationRequested
        return [seen[kind] for seen in self._seen.values() if kind in seen]

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Returns once `holds()`. Raises Failed after a minute, naming `what`."""
        deadline = time.monotonic() + PATIENCE
        async with self._changed:
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._changed.wait_for(holds)
            except TimeoutError:
                raise Failed(f"waited {PATIENCE:.0f} s for {what}; see the services' logs") from None

    async def _read(self) -> None:
        async for record in self._consumer:
            kind = self._kinds[record.topic]
            if kind is events.AccountUpdated or record.value is None:
                continue
            event = kind.model_validate_json(record.value)
            self._report.event(event)
            if isinstance(event, events.Quarantined):
                continue
            async with self._changed:
                registration_id = UUID(event.key)
                self._seen.setdefault(registration_id, {})[kind] = event
                self._changed.notify_all()
