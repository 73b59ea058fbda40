"""The four real services on one real PostgreSQL and a real mail server, on a clock and a log that chance moves."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from commands.serve import SETTINGS
from embedded.mailbox import Mailbox
from services.approver.app import create_app as approver
from services.notifier.app import create_app as notifier
from services.portal.app import create_app as portal
from services.registrar.app import create_app as registrar
from shared.events import Event
from shared.messaging import cloudevents
from shared.service import Service
from shared.topics import SERVICES, TOPICS, topic_of
from shared.web.person import Person
from tests.domain.facts import NOW
from tests.lifecycle.log import Log, Place
from tests.lifecycle.people import ACTS, EMAILS, tell_of_account
from tests.sessions import browser, session_of

CREATE: dict[str, Any] = {"registrar": registrar, "notifier": notifier, "approver": approver, "portal": portal}
URLS = {name: f"http://localhost:{8001 + n}" for n, name in enumerate(SERVICES)}
CLAIM_FOR = timedelta(seconds=30)
OPEN_LIMIT = 3
RESEND_LIMIT = 1
SLOW = 0.2
SLOW_READS = 0.05

_IN_HAND = "select count(*) from notifier.emails where state = 'queued' and next_attempt_at <= $1"


class World:
    def __init__(self, database_url: str, mailbox: Mailbox, seed: int, policy: str) -> None:
        self._chance = Random(seed)
        self.now = NOW
        self.log = Log()
        self.mailbox = mailbox
        self.first_mail = len(mailbox.messages())
        self.versions: defaultdict[str, int] = defaultdict(int)
        self.upstream: dict[UUID, str] = {}
        self._settings = {name: _settings(name, database_url, mailbox, policy) for name in SERVICES}
        self.services = {name: self._create(name) for name in SERVICES}
        self._database_url = database_url
        self._database: Any = None
        self._may_happen = [
            (self._people, 6),
            (self._read, 8),
            (self._publish, 5),
            (self._mail, 2),
            (self._deadlines, 1),
            (self._wait, 1),
        ]
        self._slow = {(it, topic.name) for topic in TOPICS for it in topic.readers if self._chance.random() < SLOW}
        self._being_read: set[tuple[str, Place]] = set()
        self._publishing = {name: asyncio.Lock() for name in SERVICES}

    def clock(self) -> datetime:
        """No two moments are the same."""
        self.now += timedelta(microseconds=1)
        return self.now

    async def open(self) -> None:
        """Most accounts are known and fine when it begins."""
        self._database = await asyncpg.create_pool(self._database_url, min_size=1, max_size=4)
        for email in EMAILS[1:]:
            tell_of_account(self, self._chance, email, fine=self._chance.random() < 0.9)

    async def close(self) -> None:
        for service in self.services.values():
            await service.database.close()
        await self._database.close()

    async def step(self) -> None:
        """A few things at once: people act, services read, publish, look at the clock, send; or one is restarted."""
        does, weights = zip(*self._may_happen, strict=True)
        several = self._chance.choices(does, weights, k=self._chance.randint(1, 4))
        # A chance of its own for each: what one draws must not depend on how far another has come.
        await asyncio.gather(*(one(Random(self._chance.random())) for one in several))
        if self._chance.random() < 0.05:
            await self._restart(self._chance.choice(SERVICES))

    async def settle(self) -> None:
        """Until everything was read, told, acted on and sent."""
        self.mailbox.start()
        while True:
            before = await self._progress()
            for name in SERVICES:
                await self._publish_all(name)
                while places := self.log.unread(name):
                    await self._accept(name, places, self._chance, lose_commit=False)
                await self._look_at_the_clock(name)
            await self._send()
            if await self._progress() == before:
                return

    async def query(self, sql: str, *values: Any) -> list[Any]:
        return list(await self._database.fetch(sql, *values))

    async def registrations(self) -> list[UUID]:
        """What the portal shows to anybody."""
        return [row[0] for row in await self.query("select registration_id from portal.registrations order by 1")]

    async def cases(self, *, still_open: bool) -> list[UUID]:
        """Or all: staff may have an old page open."""
        where = "where status = 'open'" if still_open else ""
        return [row[0] for row in await self.query(f"select registration_id from approver.cases {where} order by 1")]

    async def post(self, service: str, person: Person | None, path: str, fields: dict[str, Any]) -> None:
        """A form, as a browser posts it. What it answers is the pages' own tests' matter; it never fails."""
        cookies = session_of(person, self._settings[service], service, self.clock) if person else {}
        async with browser(self.services[service].web, URLS[service], cookies) as client:
            answer = await client.post(path, data=fields)
        assert answer.status_code < 500, f"{path} answered {answer.status_code}"

    def tell(self, event: Event, times: int = 1) -> None:
        """As a plain producer does."""
        for _ in range(times):
            self.log.append(topic_of(type(event), "portal"), event.key, event.model_dump_json())

    async def _people(self, chance: Random) -> None:
        acts, weights = zip(*ACTS, strict=True)
        await chance.choices(acts, weights)[0](self, chance)

    async def _read(self, chance: Random) -> None:
        """An instance reads from some partitions; another may read from others meanwhile."""
        behind = {name: self._readable(name, chance) for name in SERVICES}
        name = chance.choice([name for name in SERVICES if behind[name]] or SERVICES)
        if places := behind[name]:
            some = chance.sample(places, chance.randint(1, min(3, len(places))))
            self._being_read |= {(name, place) for place in some}
            await self._accept(name, some, chance, lose_commit=chance.random() < 0.1)
            self._being_read -= {(name, place) for place in some}

    def _readable(self, name: str, chance: Random) -> list[Place]:
        """Some topics lie far behind the others, in each life different ones."""
        return [
            place
            for place in self.log.unread(name)
            if (name, place) not in self._being_read
            and ((name, place.topic) not in self._slow or chance.random() < SLOW_READS)
        ]

    async def _accept(self, name: str, places: list[Place], chance: Random, *, lose_commit: bool) -> None:
        polled = self.log.poll(name, places, chance)
        records = [record for some in polled.values() for record in some]
        assert await self.services[name].consumer.inbox.accept(records, asyncio.Event())
        if not lose_commit:
            self.log.commit(name, polled)

    async def _publish(self, chance: Random) -> None:
        name = chance.choice(SERVICES)
        async with self._publishing[name]:  # as the relay's lock has it
            await self._publish_some(name, chance.randint(1, 20), die_before_delete=chance.random() < 0.1)

    async def _publish_all(self, name: str) -> None:
        while await self._publish_some(name, 1000, die_before_delete=False):
            pass

    async def _publish_some(self, name: str, most: int, *, die_before_delete: bool) -> int:
        """What the relay does; that is tested by itself on a real Kafka."""
        rows = await self.query(f"select * from {name}.outbox order by position limit $1", most)
        for row in rows:
            told = {"source": name, "type": row["type"], "subject": row["aggregateid"], "time": row["occurred_at"]}
            headers = cloudevents.headers(id=str(row["id"]), **told)
            self.log.append(row["topic"], row["aggregateid"], row["payload"], headers)
        if rows and not die_before_delete:
            positions = [row["position"] for row in rows]
            await self.query(f"delete from {name}.outbox where position = any($1)", positions)
        return len(rows)

    async def _deadlines(self, chance: Random) -> None:
        await self._look_at_the_clock(chance.choice(SERVICES))

    async def _look_at_the_clock(self, name: str) -> None:
        assert await self.services[name].scheduler.catch_up(asyncio.Event()), self.services[name].scheduler.trouble

    async def _mail(self, chance: Random) -> None:
        if chance.random() < 0.1:
            self.mailbox.stop()
        else:
            self.mailbox.start()
        await self._send()

    async def _send(self) -> None:
        """Notifier's sender, until it has tried all that is due."""
        stopping = asyncio.Event()
        [sender] = self.services["notifier"].workers
        sending = asyncio.create_task(sender(stopping))
        while (await self.query(_IN_HAND, self.now + CLAIM_FOR))[0][0]:  # noqa: ASYNC110  # only the table tells
            await asyncio.sleep(0.01)
        stopping.set()
        await sending

    async def _wait(self, chance: Random) -> None:
        unit = chance.choice([timedelta(minutes=10), timedelta(hours=1), timedelta(hours=1), timedelta(days=1)])
        self.now += chance.randint(1, 9) * unit / 2

    async def _restart(self, name: str) -> None:
        await self.services[name].database.close()
        self.services[name] = self._create(name)
        self.log.rewind(name, self._chance)

    def _create(self, name: str) -> Service:
        service: Service = CREATE[name](self._settings[name], clock=self.clock)
        service.consumer.catching_up.done = True  # as it is once what was there at start has been read
        service.consumer.backlog.done = True
        return service

    async def _progress(self) -> list[Any]:
        counts = [await self.query(f"select count(*), max(id) from {name}.history") for name in SERVICES]
        mails = await self.query("select state, count(*), sum(attempts) from notifier.emails group by 1 order by 1")
        return [counts, mails, {place: len(records) for place, records in self.log.records.items()}]


def _settings(name: str, database_url: str, mailbox: Mailbox, policy: str) -> Any:
    given: dict[str, Any] = {
        "kafka_bootstrap_servers": "localhost:1",  # never reached: the log stands in its place
        "database_url": SecretStr(database_url),
        "public_url": URLS[name],
        "portal_url": URLS["portal"],
        "approver_url": URLS["approver"],
        "smtp_url": SecretStr(mailbox.smtp_url),
        "mail_from": "registration@vngcloud.example",
        "review_mail_to": "reviews@vng.example",
        "link_secret": "a key for links of tests",
        "oidc_issuer": "http://localhost:1",
        "oidc_client_id": name,
        "oidc_client_secret": SecretStr("a secret of the client"),
        "open_limit": OPEN_LIMIT,
        "resend_limit": RESEND_LIMIT,
        "approval_for_current_customers": policy,
        "mail_claim_for": "PT30S",
    }
    kind = SETTINGS[name]
    return kind(**{key: value for key, value in given.items() if key in kind.model_fields})
