"""Partners, customers and staff of a campaign, through pages and links. They insist until a page comes, since services
may be dead at any moment. What a page may not answer is kept in `surprises`.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2

from commands.demo.people import link_in
from commands.serve import SETTINGS
from embedded.mailbox import Mail
from shared.clock import system_clock
from shared.events import Locale
from shared.settings import SignInSettings
from shared.web.person import Person
from tests.sessions import session_of
from tests.torture.load import Fate, fate_of, partner_of

PARTNERS = 4
AT_ONCE = 64
AGAIN = 0.3
"""Seconds before a page that did not come is asked for again."""

Mails = asyncio.Queue[Mail]


def _partner(number: int) -> Person:
    name = f"partner{number}"
    return Person(f"staff@{name}.example", name, name, f"Saigon Cloud {number}", frozenset({"partner"}), Locale.VI)


REVIEWER = Person("hoa@vng.example", "Hoa", None, None, frozenset({"vng-reviewer"}), Locale.EN)


@dataclass
class People:
    """`environment` holds the services' settings, `urls` where they are."""

    environment: Mapping[str, str]
    urls: Mapping[str, str]
    mails: Mails = field(default_factory=Mails)
    surprises: list[str] = field(default_factory=list)
    busy: int = 0
    """Who waits for an answer."""
    _browser: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=30))

    def __post_init__(self) -> None:
        self._partners = [self._signed_in("portal", _partner(number)) for number in range(PARTNERS)]
        self._reviewer = self._signed_in("approver", REVIEWER)

    async def run(self) -> None:
        """Until cancelled: each confirmation mail is read, and what its reader does is done."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._read_mails())

    async def close(self) -> None:
        await self._browser.aclose()

    def cookies_of_partner(self, number: int) -> dict[str, str]:
        return self._partners[number]

    @property
    def idle(self) -> bool:
        return not self.busy and self.mails.empty()

    async def register(self, partner: int, emails: list[str]) -> None:
        """One form, sent again with the same number where no answer came."""
        fields: dict[str, Any] = {
            "batch_id": str(uuid4()),
            "customer_email": emails,
            "common_name": [f"Khách {email}" for email in emails],
        }
        await self._insist(f"{self.urls['portal']}/accounts", fields, {303}, cookies=self._partners[partner])

    async def _read_mails(self) -> None:
        while True:
            mail = await self.mails.get()
            try:
                await self._react(mail)
            except Exception as error:  # one reader's trouble is no reason that nobody reads
                self.surprises.append(f"{mail.to[0]}: {type(error).__name__}: {error}")

    async def _react(self, mail: Mail) -> None:
        registration_id = UUID(mail.message_id.strip("<>").partition(".")[0])
        match fate_of(mail.to[0]):
            case Fate.AGREE:
                await self._answer(mail, "confirm")
            case Fate.REVIEWED:
                if await self._answer(mail, "confirm") == 200:
                    await self._review(registration_id)
            case Fate.DECLINE:
                await self._answer(mail, "decline")
            case Fate.REGRET:
                address = f"{self.urls['portal']}/accounts/{registration_id}/withdraw"
                cookies = self._partners[partner_of(mail.to[0])]
                await self._insist(address, {"reason": "Khách đổi ý"}, {200, 303, 409}, cookies=cookies)
            case _:  # reads it and does nothing
                pass

    async def _answer(self, mail: Mail, answer: str) -> int:
        link = link_in(mail.text)
        return await self._insist(f"{link}/{answer}", {}, {200, 409})

    async def _review(self, registration_id: UUID) -> None:
        """Approver may have read neither of the case nor of its account yet. Each fifth is rejected."""
        decision = "reject" if registration_id.int % 5 == 0 else "approve"
        address = f"{self.urls['approver']}/cases/{registration_id}/{decision}"
        fields = {"reason": "Hồ sơ chưa đủ"}
        await self._insist(address, fields, {303, 409}, again={404, 422}, cookies=self._reviewer)

    async def _insist(
        self,
        address: str,
        fields: dict[str, Any],
        settled: Collection[int],
        *,
        again: Collection[int] = (),
        cookies: Mapping[str, str] | None = None,
    ) -> int:
        parts = urlsplit(address)
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.busy += 1
        try:
            while True:
                status = await self._post(address, fields, headers)
                if status in settled:
                    return status
                if status < 500 and status not in again:
                    self.surprises.append(f"POST {parts.path.split('/')[1]}/… answered {status}; expected {settled}")
                    return status
                await asyncio.sleep(AGAIN)
        finally:
            self.busy -= 1

    async def _post(self, address: str, fields: dict[str, Any], headers: dict[str, str]) -> int:
        """599 where no answer came."""
        try:
            return (await self._browser.post(address, data=fields, headers=headers)).status_code
        except httpx2.TransportError:
            return 599

    def _signed_in(self, service: str, person: Person) -> dict[str, str]:
        given: dict[str, Any] = {name.lower(): value for name, value in self.environment.items()}
        kind = SETTINGS[service]
        known = {name: value for name, value in given.items() if name in kind.model_fields}
        settings = kind(**known | {"public_url": self.urls[service]})
        assert isinstance(settings, SignInSettings)
        return session_of(person, settings, service, system_clock)
