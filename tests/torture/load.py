"""Who is registered, and by whom: waves of requests, through the portal's form and by another portal's own events.

What a customer will do is written in their address. Most registrations end cheaply, since a campaign needs hundreds of
thousands: withdrawn at once, or refused. All go through the real services.
"""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from uuid import UUID

from aiokafka import AIOKafkaProducer

from shared.events import AccountUpdated, Billing, Event, Locale, RegistrationRequested, RegistrationWithdrawn
from shared.topics import topic_of

FORM_ROWS = 50
POOL = 2000
"""Accounts of those withdrawn at once, used again and again."""
UPSTREAM_PARTNERS = 20


class Fate(StrEnum):
    AGREE = "agree"
    """VNG's own customer already: approved by policy."""
    REVIEWED = "reviewed"
    """Agrees, and staff decide."""
    DECLINE = "decline"
    IGNORE = "ignore"
    REGRET = "regret"
    """The partner withdraws once the customer was mailed."""
    REFUSED = "refused"
    """Has no account."""
    WITHDRAWN = "withdrawn"
    """At once, sometimes before the request."""


UPSTREAM = frozenset({Fate.REFUSED, Fate.WITHDRAWN})
"""Requested by another portal; the others through the form."""


def fate_of(email: str) -> Fate:
    return Fate(email.partition("-")[0])


def partner_of(email: str) -> int:
    """The number of the portal's partner who registered them."""
    return int(email.split("-")[1])


@dataclass
class Load:
    """`add` registers through the form, for the partner of that number."""

    producer: AIOKafkaProducer
    prefix: str
    chance: Random
    mix: dict[Fate, float]
    partners: int
    requested: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _accounts: list[str] = field(default_factory=list)

    async def open_pool(self) -> None:
        await self._publish([_account(_pooled(number)) for number in range(POOL)])

    async def wave(self, size: int) -> list[tuple[int, list[str]]]:
        """Publishes what another portal asks, and answers the forms to be sent: partner and addresses.

        The accounts of those in a form were published a wave before."""
        fates = self.chance.choices(list(self.mix), list(self.mix.values()), k=size)
        partner = self.chance.randrange(self.partners)
        new = [f"{fate}-{partner}-{next(self._numbers)}@example.com" for fate in fates if fate not in UPSTREAM]
        upstream = [event for fate in fates if fate in UPSTREAM for event in self._asked_elsewhere(fate)]
        await self._publish([*map(_account, new), *upstream])
        ready, self._accounts = self._accounts, new
        self.requested += len(ready) + sum(isinstance(it, RegistrationRequested) for it in upstream)
        by_partner = itertools.groupby(ready, partner_of)
        return [(number, rows) for number, them in by_partner for rows in _forms(list(them))]

    async def last(self) -> list[tuple[int, list[str]]]:
        """The forms of those whose accounts were published by the last wave."""
        return await self.wave(0)

    def _asked_elsewhere(self, fate: Fate) -> list[Event]:
        number = next(self._numbers)
        email = _pooled(number) if fate is Fate.WITHDRAWN else f"{fate}-0-{number}@example.com"
        request = RegistrationRequested(
            registration_id=UUID(int=self.chance.getrandbits(128), version=4),
            partner_id=f"upstream-{number % UPSTREAM_PARTNERS}",
            partner_name="Hà Nội Cloud",
            customer_email=email,
            common_name=f"Khách {number}",
            requested_by="staff@upstream.example",
            requested_at=datetime.now(UTC),
        )
        if fate is Fate.REFUSED:
            return [request]
        withdrawal = RegistrationWithdrawn(
            registration_id=request.registration_id,
            partner_id=request.partner_id,
            withdrawn_by=request.requested_by,
            withdrawn_at=request.requested_at,
        )
        return self.chance.sample([request, withdrawal], 2)

    async def _publish(self, events: list[Event]) -> None:
        """Each acknowledged, however long Kafka is away."""
        sent = [
            await self.producer.send(
                self.prefix + topic_of(type(event), "portal"), event.model_dump_json().encode(), key=event.key.encode()
            )
            for event in events
        ]
        await asyncio.gather(*sent)


def _pooled(number: int) -> str:
    return f"{Fate.WITHDRAWN}-0-{number % POOL}@example.com"


def _forms(rows: list[str]) -> list[list[str]]:
    return [rows[start : start + FORM_ROWS] for start in range(0, len(rows), FORM_ROWS)]


def _account(email: str) -> AccountUpdated:
    return AccountUpdated(
        email=email,
        account_id=f"vng-{email}",
        holder_name="Nguyễn Văn An",
        locale=Locale.VI,
        billing=Billing.PREPAID,
        credit_balance=0,
        active_services=0,
        active_discounts=0,
        in_poc=False,
        vng_customer=fate_of(email) is Fate.AGREE,
        version=1,
        updated_at=datetime.now(UTC),
    )
