"""The story: partners register, customers answer, VNG's staff decide, partners read how it ended."""

import asyncio
import html
import re
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from commands.demo.machine import Machine, kafka_settings
from commands.demo.people import Browser, heading, link_in
from commands.demo.report import Report, Result
from commands.demo.script import Row
from commands.demo.witness import PATIENCE, Witness
from commands.failures import Failed
from commands.lists import import_accounts
from shared import events as e

REVIEWER = "hoa@vng.example"
PEOPLE_ANSWER_FROM = 3
STILL_OPEN = {"Registered", "Waiting for the customer's confirmation", "Waiting for VNG Cloud's approval"}
"""What the portal's page says of a registration that has not ended."""


@dataclass(frozen=True, slots=True)
class Registered:
    row: Row
    registration_id: UUID


class Walk:
    def __init__(self, machine: Machine, report: Report) -> None:
        self._machine = machine
        self._say = report.say
        self._report = report
        self._settings = kafka_settings(machine.environment)
        self._partners: dict[str, Browser] = {}

    async def through(self, rows: list[Row], accounts: Path) -> list[Result]:
        """Every row to its end. Raises Failed."""
        imported = await import_accounts(self._settings, accounts)
        if imported.problems:
            raise Failed(*imported.problems)
        self._say(f"accounts     {imported.published} imported from {accounts.name}")
        async with AsyncExitStack() as stack:
            witness = Witness(self._settings.kafka_bootstrap_servers, self._settings.kafka_topic_prefix, self._report)
            self._witness = await stack.enter_async_context(witness)
            self._staff = await stack.enter_async_context(Browser(self._machine.urls["approver"]))
            for email in dict.fromkeys(row.registered_by for row in rows):
                self._partners[email] = await stack.enter_async_context(Browser(self._machine.urls["portal"]))
            signing_in = [browser.sign_in("/accounts", email) for email, browser in self._partners.items()]
            await asyncio.gather(self._staff.sign_in("/cases", REVIEWER), *signing_in)
            return await self._rounds(rows)

    async def _rounds(self, rows: list[Row]) -> list[Result]:
        """The first rounds are registered one upon the other; from the third on, people answer after each."""
        registered: list[Registered] = []
        waiting: list[Registered] = []
        numbers = sorted({row.round for row in rows})
        for number in numbers:
            self._say(f"round {number}")
            new = await self._register([row for row in rows if row.round == number])
            registered += new
            waiting += new
            if number >= PEOPLE_ANSWER_FROM or number == numbers[-1]:
                await self._answer(waiting)
                waiting = []
        return list(await asyncio.gather(*(self._result(it) for it in registered)))

    async def _register(self, rows: list[Row]) -> list[Registered]:
        """Partners fill in the form and select "Add"; then registrar has opened or refused each."""
        known = len(self._witness.requested())
        for partner, browser in self._partners.items():
            if theirs := [row for row in rows if row.registered_by == partner]:
                await self._fill_in_the_form(browser, partner, theirs)
        await self._witness.until("all requests", lambda: len(self._witness.requested()) - known >= len(rows))
        registered = [self._match(row, self._witness.requested()[known:]) for row in rows]
        for it in registered:
            await self._witness.until(f"registrar to decide on {it.row.customer_email}", partial(self._is_decided, it))
        return registered

    async def _fill_in_the_form(self, browser: Browser, partner: str, rows: list[Row]) -> None:
        fields: dict[str, str | list[str]] = {
            "customer_email": [row.customer_email for row in rows],
            "common_name": [row.common_name for row in rows],
            "role": ["Partner" for _row in rows],
        }
        page = await browser.post("/accounts", fields)
        if page.status_code != 200:
            raise Failed(f"the portal's form answered {page.status_code}: {heading(page)}; expected 200")
        self._say(f"portal       {partner} adds {len(rows)} customer{'s' if len(rows) > 1 else ''}")

    def _match(self, row: Row, requests: list[e.RegistrationRequested]) -> Registered:
        for request in requests:
            email = e.normal_email(row.customer_email)
            if request.customer_email == email and request.requested_by == row.registered_by:
                return Registered(row, request.registration_id)
        raise Failed(f"the portal published no request for {row.customer_email}; is the row's email address right?")

    def _is_decided(self, it: Registered) -> bool:
        seen = self._witness.of(it.registration_id)
        return e.RegistrationOpened in seen or e.RegistrationClosed in seen

    def _is_final(self, it: Registered) -> bool:
        seen = self._witness.of(it.registration_id)
        return e.RegistrationApproved in seen or e.RegistrationClosed in seen

    async def _answer(self, registered: list[Registered]) -> None:
        """Customers follow the links in their mails, staff decide what comes to them."""
        opened = [it for it in registered if e.RegistrationOpened in self._witness.of(it.registration_id)]
        await asyncio.gather(*(self._customer_answers(it) for it in opened))
        await asyncio.gather(*(self._staff_decide(it) for it in opened))
        for it in opened:
            if it.row.customer.startswith("decline") or it.row.vng:
                await self._witness.until(f"the end of {it.row.customer_email}", partial(self._is_final, it))

    async def _customer_answers(self, it: Registered) -> None:
        email = e.normal_email(it.row.customer_email)
        link = link_in(await self._confirmation_mail(email, it))
        address = urlsplit(link)
        async with Browser(f"{address.scheme}://{address.netloc}") as browser:
            page = await browser.get(address.path)
            self._say(f"page         {email} reads: {heading(page)}")
            answer, _, reason = it.row.customer.partition(": ")
            if answer:
                page = await browser.post(f"{address.path}/{answer}", {"reason": reason} if reason else {})
                self._say(f"page         {email} selects {answer.capitalize()}: {heading(page)}")

    async def _confirmation_mail(self, email: str, it: Registered) -> str:
        """The text of the mail about this registration: one partner's mail is not the other's."""
        mailbox = self._machine.servers.mailbox
        assert mailbox is not None  # the demo refuses to start without its own
        opened = self._witness.of(it.registration_id)[e.RegistrationOpened]
        try:
            mail = await asyncio.to_thread(
                mailbox.wait_for, to=email, subject_contains=opened.partner_name, timeout=PATIENCE
            )
        except TimeoutError:
            raise Failed(f"no mail to {email} within {PATIENCE:.0f} s; see notifier's log") from None
        self._say(f"mail         to {email}: {mail.subject}")
        return mail.text

    async def _staff_decide(self, it: Registered) -> None:
        decision, _, reason = it.row.vng.partition(": ")
        if it.row.customer != "confirm" or decision not in {"approve", "reject"}:
            return
        path = f"/cases/{it.registration_id}"
        await self._wait_for_page(self._staff, path)
        page = await self._staff.post(f"{path}/{decision}", {"reason": reason} if reason else {})
        if page.status_code != 200:
            raise Failed(f"approver answered {page.status_code} to {decision} {it.row.customer_email}; expected 200")
        self._say(f"page         {REVIEWER} selects {decision.capitalize()}: {heading(page)}")

    async def _wait_for_page(self, browser: Browser, path: str) -> None:
        """A case appears when approver has read the confirmation."""
        async with asyncio.timeout(PATIENCE):
            while (await browser.get(path)).status_code != 200:  # noqa: ASYNC110  # it happens in another process
                await asyncio.sleep(0.05)

    async def _result(self, it: Registered) -> Result:
        """The status as the partner reads it, once the portal has read as much as we have."""
        closed = self._witness.of(it.registration_id).get(e.RegistrationClosed)
        status = ""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not status or (self._is_final(it) and status in STILL_OPEN):
                    status = await self._status_on_page(it)
        return Result(it.row, status, ", ".join(closed.reasons) if closed else "")

    async def _status_on_page(self, it: Registered) -> str:
        page = await self._partners[it.row.registered_by].get(f"/accounts/{it.registration_id}")
        found = re.search(r'<span class="status[^"]*">(.*?)</span>', page.text)
        return html.unescape(found[1]) if found else ""
