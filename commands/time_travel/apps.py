"""The four services in this process, on one clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import asyncpg

from commands.demo.machine import Room, kafka_settings
from commands.failures import Failed
from commands.serve import SETTINGS
from commands.settled import Settled, watching
from shared.clock import Clock
from shared.service import Service
from shared.topics import SERVICES

PATIENCE = 60.0  # seconds
CLAIM_FOR = timedelta(seconds=30)
"""Shorter than the first wait after a failure: so a mail in hand is told from one that waits."""

_MAILS_IN_HAND = "select count(*) from notifier.emails where state = 'queued' and next_attempt_at <= $1"


class Apps:
    """`now` is the time of all four."""

    def __init__(self, room: Room, now: datetime) -> None:
        self.now = now
        self._room = room
        self._services = [_service(name, room, lambda: self.now) for name in SERVICES]
        self._settled: Settled
        self._database: Any

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All four, ready, with their pages."""
        url = self._room.environment["DATABASE_URL"]
        async with AsyncExitStack() as stack:
            self._database = await asyncpg.connect(url)
            stack.push_async_callback(self._database.close)
            self._settled = await stack.enter_async_context(watching(kafka_settings(self._room.environment), url))
            await stack.enter_async_context(self._serving())
            yield

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        tasks = [
            asyncio.create_task(it.serve("127.0.0.1", int(self._room.urls[it.name].rpartition(":")[2]), stopping))
            for it in self._services
        ]
        try:
            await self._until(self._not_ready)
            yield
        finally:
            stopping.set()
            await asyncio.gather(*tasks)

    async def settle(self) -> None:
        """Until everything that is due was acted on, told, read and sent. Raises Failed after a minute."""
        await self._until(self._under_way)

    async def _until(self, look: Any) -> None:
        found: str | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := await look()) is not None:  # noqa: ASYNC110  # Kafka and PostgreSQL signal nothing
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise Failed(f"after {PATIENCE:.0f} s: {found}; see services.log") from None

    async def _not_ready(self) -> str | None:
        for service in self._services:
            for name, check in service.checks.items():
                if problem := await check():
                    return f"{service.name} is not ready, {name}: {problem}"
        return None

    async def _under_way(self) -> str | None:
        for service in self._services:
            await service.scheduler.catch_up(asyncio.Event())
        if under_way := await self._settled.look():
            return under_way
        in_hand = await self._database.fetchval(_MAILS_IN_HAND, self.now + CLAIM_FOR)
        return f"{in_hand} mails are in hand" if in_hand else await self._settled.look()


def _service(name: str, room: Room, clock: Clock) -> Service:
    values = {key.lower(): value for key, value in room.environment.items() if key.isupper()}
    values |= {"public_url": room.urls[name], "mail_claim_for": "PT30S"}
    settings = SETTINGS[name].model_validate({key: values[key] for key in SETTINGS[name].model_fields if key in values})
    service: Service = import_module(f"services.{name}.app").create_app(settings, clock=clock)
    return service
