"""Day by day: people act through pages and mails, and what the mailbox got is printed."""

import html
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from commands.demo.machine import Room, kafka_settings
from commands.demo.people import Browser, heading, link_in
from commands.demo.report import Report
from commands.failures import Failed
from commands.kafka import publish
from commands.time_travel import story
from commands.time_travel.apps import Apps
from commands.time_travel.story import Act
from embedded.mailbox import Mailbox
from shared.events import AccountUpdated
from shared.web.formats import VIETNAM

SOURCE = "vng-accounts"
A_WHILE = timedelta(minutes=5)
"""Between what two people do on one day."""


class Journey:
    def __init__(self, room: Room, apps: Apps, report: Report) -> None:
        assert room.servers.mailbox is not None  # the demo refuses to start without its own
        self._room = room
        self._apps = apps
        self._say = report.say
        self._mailbox: Mailbox = room.servers.mailbox
        self._read = 0
        self._version = 0
        self._browsers: dict[tuple[str, str], Browser] = {}
        """By service and person, signed in this morning."""
        self._registered: list[tuple[str, str, str]] = []
        """Partner's person, customer and path of the page, in order of registration."""

    async def begin(self) -> None:
        """VNG's account systems say what is true of each account."""
        self._mailbox.unknown |= story.NO_SUCH_MAILBOX
        await self._tell_accounts(*(self._account(email) for email in story.ACCOUNTS))
        await self._apps.settle()

    async def live(self, day: int) -> None:
        """The morning of `day`, what people do on it, and its evening."""
        self._apps.now = story.morning(day)
        await self._close_browsers()
        self._say(f"day {day:>2}  {_in_words(self._apps.now)}")
        await self._settle()
        for act in story.STORY:
            if act.day == day:
                self._apps.now += A_WHILE
                await self._do(act)
                await self._settle()
        self._apps.now = story.evening(day)
        await self._settle()

    async def ends(self) -> list[tuple[str, str]]:
        """Each registration and its status, as the portal's page shows it."""
        await self._close_browsers()
        found = [(customer, await self._status(person, path)) for person, customer, path in self._registered]
        await self._close_browsers()
        return found

    async def _do(self, act: Act) -> None:
        words = f" ({act.words})" if act.words else ""
        self._say(
            f"        {_clock(self._apps.now)}  {act.who}: {' '.join(filter(None, (act.does, act.customer)))}{words}"
        )
        match act.does:
            case "register":
                await self._register(act)
            case "withdraw" | "resend":
                path = self._page_of(act.customer)
                await self._post("portal", act.who, "/accounts", f"{path}/{act.does}", {"reason": act.words})
            case "confirm" | "decline":
                await self._answer(act, first_link=False)
            case "confirm by the first link":
                await self._answer(act, first_link=True)
            case "approve" | "reject":
                path = self._page_of(act.customer).replace("/accounts/", "/cases/")
                await self._post("approver", act.who, "/cases", f"{path}/{act.does}", {"reason": act.words})
            case "becomes a customer of VNG's own":
                await self._tell_accounts(self._account(act.customer, vng_customer=True))
            case "goes away":
                self._mailbox.stop()
            case "comes back":
                self._mailbox.start()
            case _:
                raise Failed(f"the story says that {act.who} does {act.does!r}; nobody knows how")

    async def _settle(self) -> None:
        await self._apps.settle()
        for mail in self._mailbox.messages():
            if mail.n > self._read:
                self._say(f"        {_clock(self._apps.now)}  mail to {', '.join(mail.to)}: {mail.subject}")
                self._read = mail.n

    async def _register(self, act: Act) -> None:
        fields = {"customer_email": act.customer, "common_name": act.words, "role": "Partner"}
        page = await self._post("portal", act.who, "/accounts", "/accounts", fields)
        known = {path for _, _, path in self._registered}
        listed = re.findall(r'href="(/accounts/[0-9a-f-]{36})"', page.text)
        if len(new := [path for path in dict.fromkeys(listed) if path not in known]) != 1:
            raise Failed(f"the portal's list shows {len(new)} new registrations for {act.customer}; expected one")
        self._registered.append((act.who, act.customer, new[0]))

    async def _answer(self, act: Act, *, first_link: bool) -> None:
        mails = [mail for mail in self._mailbox.messages(to=act.who) if "/confirmations/" in mail.text]
        if not mails:
            raise Failed(f"{act.who} got no mail with a link; expected one before day {act.day}")
        address = urlsplit(link_in(mails[0 if first_link else -1].text))
        async with Browser(self._room.urls["notifier"]) as browser:
            answer = act.does.split()[0]
            page = await browser.post(f"{address.path}/{answer}", {"reason": act.words} if act.words else {})
        _refuse_failure(act.who, page.status_code, heading(page))

    async def _post(self, service: str, person: str, home: str, path: str, fields: dict[str, Any]) -> Any:
        browser = await self._browser(service, person, home)
        page = await browser.post(path, {name: value for name, value in fields.items() if value})
        _refuse_failure(f"{person} at {path}", page.status_code, heading(page))
        return page

    async def _status(self, person: str, path: str) -> str:
        page = await (await self._browser("portal", person, "/accounts")).get(path)
        found = re.search(r'<span class="status[^"]*">(.*?)</span>', page.text)
        return html.unescape(found[1]) if found else f"no status on the page ({page.status_code})"

    async def _browser(self, service: str, person: str, home: str) -> Browser:
        if (service, person) not in self._browsers:
            browser = Browser(self._room.urls[service])
            await browser.sign_in(home, person)
            self._browsers[service, person] = browser
        return self._browsers[service, person]

    async def _close_browsers(self) -> None:
        """A session lasts for hours; in the morning everybody signs in again."""
        for browser in self._browsers.values():
            await browser.close()
        self._browsers.clear()

    def _page_of(self, customer: str) -> str:
        return next(path for _, email, path in reversed(self._registered) if email == customer)

    def _account(self, email: str, *, vng_customer: bool = False) -> AccountUpdated:
        self._version += 1
        return AccountUpdated.model_validate(
            {
                "email": email,
                "account_id": f"vng-{email.partition('.')[0]}",
                "holder_name": email.partition("@")[0].replace(".", " ").title(),
                "locale": story.ACCOUNTS[email],
                "billing": "prepaid",
                "credit_balance": 0,
                "active_services": 0,
                "active_discounts": 0,
                "in_poc": False,
                "vng_customer": vng_customer or email in story.CURRENT_CUSTOMERS,
                "version": self._version,
                "updated_at": self._apps.now,
            },
            strict=False,
        )

    async def _tell_accounts(self, *accounts: AccountUpdated) -> None:
        await publish(kafka_settings(self._room.environment), accounts, SOURCE)


def _refuse_failure(what: str, status: int, title: str) -> None:
    if status != 200:
        raise Failed(f"{what} was answered {status}: {title}; expected 200")


def _in_words(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%a %d %b %Y}"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%H:%M}"
