"""Registrations that keep coming while faults last, each by one of the ways that a registration can go."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from aiokafka import AIOKafkaProducer

from commands.demo.people import link_in
from shared.clock import system_clock
from shared.events import AccountUpdated, Billing, Event, Locale, RegistrationRequested, RegistrationWithdrawn
from shared.topics import topic_of
from shared.web.person import Person
from tests.faults.rig import Rig
from tests.sessions import session_of

LOOK = 0.1  # seconds between two looks of a person
REVIEWER = Person("hoa@vng.example", "Hoa", None, None, frozenset({"vng-reviewer"}), Locale.VI)


class Way(StrEnum):
    APPROVED_BY_STAFF = "approved by staff"
    APPROVED_AS_CUSTOMER = "approved as a current customer"
    REJECTED = "rejected"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"

    @property
    def status(self) -> str:
        """How it ends."""
        return self.partition(" ")[0]


SHARES: Mapping[Way, int] = {
    Way.APPROVED_BY_STAFF: 4,
    Way.APPROVED_AS_CUSTOMER: 3,
    Way.REJECTED: 1,
    Way.DECLINED: 1,
    Way.WITHDRAWN: 1,
    Way.REFUSED: 3,
}


class Load:
    """People insist: they come again when a page does not, and wait for their mails."""

    def __init__(self, made: Rig, seed: int, most: int) -> None:
        """Up to `most` registrations."""
        self.ways: dict[UUID, Way] = {}
        self.waits: dict[UUID, str] = {}
        """What somebody waits for."""
        self._rig = made
        self._chance = Random(seed)
        self._next_ways = self._chance.choices(list(SHARES), list(SHARES.values()), k=most)
        self._living: set[asyncio.Task[None]] = set()
        self._staff = session_of(REVIEWER, made.settings_of("approver"), "approver", system_clock)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=made.direct.kafka_bootstrap_servers, acks="all", enable_idempotence=True
        )

    async def keep_coming(self, every: float, stopping: asyncio.Event, within: float) -> None:
        """One in `every` seconds, until `stopping`; then until each has gone its way, for up to `within` seconds: then
        raises TimeoutError that says what they wait for."""
        try:
            while not stopping.is_set():
                self.one_more()
                await asyncio.sleep(every)
            await self._all_gone(within)
        finally:
            for task in self._living:
                task.cancel()
            await self._producer.stop()

    async def _all_gone(self, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*self._living)
        except TimeoutError:
            raise TimeoutError(f"after {within:.0f} s these did not go their way: {self.waits}") from None

    async def prepare(self) -> None:
        """Before the first: VNG's systems have told of all accounts, since topics are read in any order."""
        await self._producer.start()
        now = datetime.now(UTC)
        await asyncio.gather(*[self._tell(_account(_email(n), way, now)) for n, way in enumerate(self._next_ways)])
        known = " + ".join(f"(select count(*) from {service}.accounts)" for service in ("registrar", "approver"))
        while (await self._rig.rows(f"select {known}"))[0][0] < 2 * len(self._next_ways):  # noqa: ASYNC110
            await asyncio.sleep(LOOK)

    def one_more(self) -> UUID:
        number = len(self.ways)
        way = self._next_ways[number]
        registration_id = UUID(int=self._chance.getrandbits(128), version=4)
        self.ways[registration_id] = way
        task = asyncio.create_task(self._live(registration_id, way, _email(number), number))
        self._living.add(task)
        task.add_done_callback(self._living.discard)
        task.add_done_callback(lambda _task: self.waits.pop(registration_id, None))
        return registration_id

    async def _live(self, registration_id: UUID, way: Way, email: str, number: int) -> None:
        now = datetime.now(UTC)
        partner = f"partner-{number % 40}"
        await self._tell(
            RegistrationRequested(
                registration_id=registration_id,
                partner_id=partner,
                partner_name="Saigon Cloud",
                customer_email=email,
                common_name="Minh Phát",
                requested_by="lan@saigon-cloud.example",
                requested_at=now,
            )
        )
        if way is Way.REFUSED:
            return
        self.waits[registration_id] = f"{way}: the mail to {email}"
        link = await self._link(email)
        self.waits[registration_id] = f"{way}: the page {link}"
        match way:
            case Way.WITHDRAWN:
                parties = {"registration_id": registration_id, "partner_id": partner}
                await self._tell(
                    RegistrationWithdrawn.model_validate(
                        {**parties, "withdrawn_by": "lan@saigon-cloud.example", "withdrawn_at": datetime.now(UTC)}
                    )
                )
            case Way.DECLINED:
                await self._insist("notifier", f"{link}/decline", {}, 200)
            case _:
                await self._insist("notifier", f"{link}/confirm", {}, 200)
        if way in {Way.APPROVED_BY_STAFF, Way.REJECTED}:
            does = "approve" if way is Way.APPROVED_BY_STAFF else "reject"
            self.waits[registration_id] = f"{way}: the case"
            await self._insist("approver", f"/cases/{registration_id}/{does}", {"reason": "Hồ sơ chưa đủ"}, 200, 409)

    async def _tell(self, event: Event) -> None:
        topic = self._rig.prefix + topic_of(type(event), "portal")
        await self._producer.send_and_wait(topic, event.model_dump_json().encode(), key=event.key.encode())

    async def _link(self, email: str) -> str:
        """The path in the mail, once it has come."""
        while not (mails := self._rig.mailbox.messages(to=email)):  # noqa: ASYNC110  # the mailbox is another thread's
            await asyncio.sleep(LOOK)
        return urlsplit(link_in(mails[0].text)).path

    async def _insist(self, service: str, path: str, fields: dict[str, str], *settled: int) -> None:
        """A person reloads where a page does not come, or says that the case is not there yet."""
        url = self._rig.urls[service]
        cookies = self._staff if service == "approver" else None
        async with httpx2.AsyncClient(
            base_url=url, cookies=cookies, headers={"Origin": url}, follow_redirects=True
        ) as it:
            while True:
                try:
                    answer = await it.post(path, data=fields)
                    if answer.status_code in settled:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(LOOK)


def _email(number: int) -> str:
    return f"khach{number}@example.com"


def _account(email: str, way: Way, now: datetime) -> AccountUpdated:
    return AccountUpdated(
        email=email,
        account_id=f"vng-{email}",
        holder_name="Nguyễn Văn An",
        locale=Locale.VI,
        billing=Billing.PREPAID,
        credit_balance=5 if way is Way.REFUSED else 0,
        active_services=0,
        active_discounts=0,
        in_poc=False,
        vng_customer=way is Way.APPROVED_AS_CUSTOMER,
        version=1,
        updated_at=now,
    )
