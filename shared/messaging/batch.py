"""A batch of records into the database: when `accept` returns, every record is stored, or quarantined.

A batch is split by handler; each part is decoded and handled in one transaction, in the order in which it came. While
the database is away the same part is tried again, for ever. Where a part fails for its records' sake it is halved until
the record that cannot be accepted stands alone: that one goes to quarantine, the others go through.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import structlog
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from shared.database import Database, Transaction
from shared.eligibility import AccountDeleted
from shared.events import AccountUpdated, Event, normal_email
from shared.messaging import cloudevents, quarantine
from shared.messaging.faults import in_words, is_passing, place
from shared.messaging.quarantine import Misfit
from shared.retry import Backoff, pause
from shared.topics import topics_read

Record: TypeAlias = ConsumerRecord  # of bytes or None; aiokafka carries no types
Handler = Callable[[list[Any], Transaction], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]
Handled = Callable[[type[Event], int, float], None]
"""Told of each event of a part that was stored: how many records, and in how many seconds the whole part."""

LARGEST_EVENT = 64 * 1024
"""Bytes. Every field of every event is bounded, so a longer value is not one of ours."""

log = structlog.get_logger()


class Decoded(NamedTuple):
    record: Record
    event: Event | AccountDeleted


def decode(kind: type[Event], record: Record) -> Decoded | Misfit:
    """The event in `record`, or why there is none. Never raises for what a record holds."""
    type_said = cloudevents.type_of(record.headers)
    if type_said not in (None, kind.type()):
        return Misfit(record, f"wrong_type: ce_type is {type_said!r}; this topic holds {kind.type()}")
    if record.value is None:
        return _decode_null(kind, record)
    if len(record.value) > LARGEST_EVENT:
        return Misfit(record, f"oversized: {len(record.value)} bytes; expected {LARGEST_EVENT} at most")
    try:
        return Decoded(record, kind.model_validate_json(record.value))
    except ValidationError as refused:
        return Misfit(record, f"undecodable: {_first_problem(refused)}")


def _decode_null(kind: type[Event], record: Record) -> Decoded | Misfit:
    if kind is not AccountUpdated:
        return Misfit(record, "null_value: this topic holds events only, there is nothing to delete")
    try:
        return Decoded(record, AccountDeleted(normal_email((record.key or b"").decode())))
    except ValueError:
        return Misfit(record, "null_value: the key is not an email address, so no account can be deleted")


def _first_problem(refused: ValidationError) -> str:
    errors = refused.errors(include_url=False, include_input=False)
    where = ".".join(str(part) for part in errors[0]["loc"]) or "the value"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {errors[0]['msg']}{more}"


class Inbox:
    """The way into one service's database. `trouble` says in a sentence what it waits for, None when nothing."""

    def __init__(
        self,
        handlers: Handlers,
        database: Database,
        *,
        topic_prefix: str = "",
        handled: Handled = lambda _kind, _records, _seconds: None,
    ) -> None:
        self.trouble: str | None = None
        self.handlers = handlers
        self._database = database
        self._prefix = topic_prefix
        self._handled = handled
        self._kinds = {topic_prefix + topic: kind for kind in handlers for topic in topics_read(kind, database.schema)}

    @property
    def topics(self) -> list[str]:
        return list(self._kinds)

    @property
    def topic_prefix(self) -> str:
        return self._prefix

    @property
    def service(self) -> str:
        return self._database.schema

    async def set_aside(self, record: Record, reason: str, stopping: asyncio.Event) -> bool:
        """Quarantines a record that was never decoded. False when the service stops before."""
        return await self._store(self.handler_of(self._kinds[record.topic]), [Misfit(record, reason)], stopping)

    def handler_of(self, kind: type[Event]) -> Handler:
        return self.handlers[kind]

    async def take(self, record: Record, tx: Transaction) -> str | None:
        """One record, in the caller's transaction: None once its handler has taken it, else why it cannot be accepted.
        Raises what the handler raises."""
        kind = self._kinds.get(record.topic)
        if kind is None:
            return f"unread_topic: {self.service} does not read it any more"
        entry = decode(kind, record)
        if isinstance(entry, Misfit):
            return entry.reason
        await _handle(self.handler_of(kind), [entry], tx)
        return tx.refused[0][1] if tx.refused else None

    async def accept(self, records: Iterable[Record], stopping: asyncio.Event) -> bool:
        """True when every record is stored or quarantined; False when the service stops before."""
        parts: dict[Handler, list[Record]] = {handler: [] for handler in self.handlers.values()}  # in their order
        for record in records:
            parts[self.handlers[self._kinds[record.topic]]].append(record)  # no call for each record
        for handler, part in parts.items():
            entries = [decode(self._kinds[record.topic], record) for record in part]
            if entries and not await self._store_or_split(handler, entries, stopping):
                return False
        return True

    async def _store_or_split(
        self, handler: Handler, entries: Sequence[Decoded | Misfit], stopping: asyncio.Event
    ) -> bool:
        try:
            return await self._store(handler, entries, stopping)
        except Exception as error:  # the records' fault: _store retries all that is not
            if len(entries) == 1:
                return await self._give_up(handler, entries[0], error, stopping)
        middle = len(entries) // 2
        first = await self._store_or_split(handler, entries[:middle], stopping)
        return first and await self._store_or_split(handler, entries[middle:], stopping)

    async def _give_up(
        self, handler: Handler, entry: Decoded | Misfit, error: Exception, stopping: asyncio.Event
    ) -> bool:
        log.error(
            "record quarantined",
            event_type=self._types([entry]),
            offset=entry.record.offset,
            why=in_words(error),
            where=place(error),
        )
        misfit = Misfit(entry.record, f"handler_failed: {in_words(error)}")
        return await self._store(handler, [misfit], stopping)

    async def _store(self, handler: Handler, entries: Sequence[Decoded | Misfit], stopping: asyncio.Event) -> bool:
        backoff = Backoff()
        while not stopping.is_set():
            try:
                await self._store_once(handler, entries)
            except Exception as error:
                if not is_passing(error, backoff.tries):
                    raise
                self.trouble = f"waits for the database: {in_words(error)}"
                log.warning("batch waits", event_type=self._types(entries), records=len(entries), why=in_words(error))
                await pause(stopping, backoff.next())
            else:
                self.trouble = None
                if waits := backoff.reset():
                    log.info("batch goes on", event_type=self._types(entries), records=len(entries), waits=waits)
                return True
        return False

    async def _store_once(self, handler: Handler, entries: Sequence[Decoded | Misfit]) -> None:
        begun = time.perf_counter()
        async with self._database.transaction() as tx:
            decoded = [entry for entry in entries if isinstance(entry, Decoded)]
            misfits = [entry for entry in entries if isinstance(entry, Misfit)]
            if decoded:
                await _handle(handler, decoded, tx)
            record_of = {id(entry.event): entry.record for entry in decoded}
            misfits += [Misfit(record_of[id(event)], reason) for event, reason in tx.refused]
            await quarantine.put(tx, misfits, self._database.schema, self._prefix)
        seconds = time.perf_counter() - begun
        for kind, records in self._counts(entries).items():
            self._handled(kind, records, seconds)

    def _counts(self, entries: Sequence[Decoded | Misfit]) -> Counter[type[Event]]:
        return Counter([self._kinds[entry.record.topic] for entry in entries])

    def _types(self, entries: Sequence[Decoded | Misfit]) -> str:
        return ", ".join(sorted(kind.type() for kind in self._counts(entries)))


async def _handle(handler: Handler, decoded: Sequence[Decoded], tx: Transaction) -> None:
    tx.offsets = {id(entry.event): entry.record.offset for entry in decoded}
    if tx.trail:
        for entry in decoded:
            if not isinstance(entry.event, AccountDeleted):
                tx.trail.handles(entry.event, entry.record.headers)
    await handler([entry.event for entry in decoded], tx)
