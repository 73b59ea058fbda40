"""Random lives in which a service's database is set back to a backup, once or several times, and made whole again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from random import Random

import asyncpg

from checker import check
from checker.evidence import Finding
from embedded.mailbox import Mailbox
from embedded.postgres import Postgres
from shared.messaging.remembering import Memory, Told, event_in
from shared.topics import SERVICES, TOPICS, topic_of
from tests.lifecycle.evidence import evidence_of
from tests.lifecycle.life import POLICIES, TEMPLATE
from tests.lifecycle.log import Place
from tests.lifecycle.people import NOWHERE
from tests.lifecycle.world import World

STEPS = 100
BACKUP = "backup_of_"

_TABLES = """
    select table_name, string_agg(quote_ident(column_name), ', ' order by ordinal_position)
    from information_schema.columns
    where table_schema = $1 and table_name <> 'alembic_version' and is_generated = 'NEVER' group by 1
"""
_SEQUENCES = """
    select table_name, column_name from information_schema.columns
    where table_schema = $1 and is_identity = 'YES'
"""


@dataclass(frozen=True)
class Backup:
    """What had been written when it was made, and of that read by the service."""

    ends: dict[Place, int]
    read: dict[Place, int]

    def begin(self, place: Place, margin: int) -> int:
        """Where to read on from, with records that are read once more. A rewind goes back to a time before the oldest
        record that was not read yet."""
        return max(0, min(self.ends.get(place, 0), self.read.get(place, self.ends.get(place, 0))) - margin)


class RestoredWorld(World):
    """Backups and restores happen between the steps."""

    def __init__(self, database_url: str, mailbox: Mailbox, seed: int, policy: str) -> None:
        super().__init__(database_url, mailbox, seed, policy)
        self._backups: dict[str, Backup] = {}
        self.restores = 0
        self.taken_back = 0

    async def back_up(self, names: Iterable[str]) -> None:
        for name in names:
            await self.query(f"drop schema if exists {BACKUP}{name} cascade")
            await self.query(f"create schema {BACKUP}{name}")
            for table, columns in await self.query(_TABLES, name):
                await self.query(f"create table {BACKUP}{name}.{table} as select {columns} from {name}.{table}")
            ends = {place: len(records) for place, records in self.log.records.items()}
            names = {topic.name for topic in TOPICS if name in topic.readers}
            read = {place: self.log.offsets[name, place] for place in ends if place.topic in names}
            self._backups[name] = Backup(ends, read)

    async def set_back(self, names: Iterable[str], chance: Random, *, take_back: bool = True) -> None:
        """The services whose backups there are, from these; then as `registration rewind` does."""
        for name in names:
            if backup := self._backups.get(name):
                await self._restore(name)
                await self._renew(name)
                await self._rewind(name, backup, chance.randint(0, 3), take_back=take_back)
                self.restores += 1

    async def _restore(self, name: str) -> None:
        for table, columns in await self.query(_TABLES, name):
            await self.query(f"truncate {name}.{table}")
            await self.query(
                f"insert into {name}.{table} ({columns}) overriding system value "
                f"select {columns} from {BACKUP}{name}.{table}"
            )
        for table, column in await self.query(_SEQUENCES, name):
            sequence = f"pg_get_serial_sequence('{name}.{table}', '{column}')"
            await self.query(f"select setval({sequence}, coalesce(max({column}), 0) + 1, false) from {name}.{table}")

    async def _renew(self, name: str) -> None:
        await self.services[name].database.close()
        self.services[name] = self._create(name)

    async def _rewind(self, name: str, backup: Backup, margin: int, *, take_back: bool) -> None:
        """`margin`: records before the backup that are read once more."""
        memory: Memory = import_module(f"services.{name}.app").memory(self._settings[name])
        begins = {place: backup.begin(place, margin) for place in self.log.records}
        kinds = {topic_of(kind, name): kind for kind in memory.kinds}
        told = [
            event
            for place, records in self.log.records.items()
            if place.topic in kinds
            for record in records[begins[place] :]
            if (event := event_in(kinds[place.topic], record, name))
        ]
        if take_back:
            async with self.services[name].database.transaction() as tx:
                self.taken_back += await memory.take_back(Told(told), tx)
        for (group, place), offset in list(self.log.offsets.items()):
            if group == name:
                self.log.offsets[group, place] = min(offset, begins[place])


async def live(
    server: Postgres, mailbox: Mailbox, seed: int, *, take_back: bool = True
) -> tuple[list[Finding], RestoredWorld]:
    """What the checker finds after this life."""
    name = f"restored_{seed}_{take_back}".lower()
    owner = await asyncpg.connect(server.url)
    await owner.execute(f"drop database if exists {name}")
    await owner.execute(f"create database {name} template {TEMPLATE}")
    world = RestoredWorld(server.create_database(name), mailbox, seed, POLICIES[seed % len(POLICIES)])
    await world.open()
    try:
        mailbox.unknown.add(NOWHERE)
        await _live(world, Random(seed), take_back=take_back)
        await world.settle()
        # A mail that had left before its database was set back may leave again, as the same message.
        return check(replace(await evidence_of(world), duplicates_allowed=True)), world
    finally:
        await world.close()
        await owner.execute(f"drop database {name}")
        await owner.close()


async def _live(world: RestoredWorld, chance: Random, *, take_back: bool) -> None:
    for _ in range(STEPS):
        await world.step()
        some = SERVICES if chance.random() < 0.5 else chance.sample(SERVICES, 1)
        if chance.random() < 0.05:
            await world.back_up(some)
        elif chance.random() < 0.04:
            await world.set_back(some, chance, take_back=take_back)
