"""VNG's staff, and what approver hears before they come."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2

from shared.events import Locale
from shared.service import Service
from shared.web.person import Person
from tests.domain.facts import ONE

URL = "http://localhost:8003"
CASE = f"/cases/{ONE}"


def person(name: str, *roles: str) -> Person:
    return Person(f"{name}@vng.example", name.title(), None, None, frozenset(roles), Locale.EN)


HOA = person("hoa", "vng-reviewer")
BINH = person("binh", "vng-reviewer")
ADMIN = person("an", "vng-reviewer", "vng-admin")
PARTNER = person("lan", "partner")

Browse = Callable[[Person | None], httpx2.AsyncClient]


def reading(who: Person, locale: Locale) -> Person:
    return replace(who, locale=locale)


async def hears(approver: Service, *events: Any) -> None:
    for event in events:
        async with approver.database.transaction() as tx:
            await approver.consumer.inbox.handler_of(type(event))([event], tx)


def words(page: httpx2.Response) -> str:
    """What a page says, without its markup, in single spaces."""
    inline = re.sub(r"</?bdi\b[^>]*>", "", page.text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", inline)).split())
