"""Every route of every service, asked anything by anybody: no failure of ours, no traceback, always the protections.

Registrar has no pages: it answers machines in plain text.
"""

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings

from shared.topics import SERVICES
from shared.web.person import Person
from tests.access.house import Answer, House, Matter
from tests.databases import Databases
from tests.fuzz.conftest import FUZZ

PROTECTIONS = ("content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy")
AWAY = {"/readyz", "/auth/sign-in"}
"""What needs Kafka or the sign-in provider, and neither is here."""

ANY = {"type": "string"}
FIELDS = {
    "portal": ["customer_email", "common_name", "role", "action", "pasted", "list", "batch_id", "checked", "back"],
    "approver": ["note", "override_reason", "reason", "registration_id", "action", "seen", "seen_codes", "seen_facts"],
    "notifier": ["reason"],
    "registrar": [],
}
QUERY = ["q", "status", "after", "before", "sort", "state", "show", "new", "batch", "next", "code", "v"]
WHO = {"portal": "partner", "approver": "admin", "notifier": "customer", "registrar": "nobody"}


def described(service: str, routes: set[tuple[str, str]], matter: Matter) -> dict[str, Any]:
    """The routes in the words of OpenAPI, open to anything: `matter` is what is really there."""
    paths: dict[str, Any] = {}
    for method, path in sorted(routes):
        plain = re.sub(r"{(\w+):\w+}", r"{\1}", path) + ("/{file}" if path == "/static" else "")
        there = [str(matter.registration_id), matter.token, matter.forged, "1", "site.css"]
        inside = [
            {"name": name, "in": "path", "required": True, "schema": {"anyOf": [{"enum": there}, ANY]}}
            for name in re.findall(r"{(\w+)}", plain)
        ]
        asked = [{"name": name, "in": "query", "schema": ANY} for name in QUERY]
        form = {"type": "object", "properties": {name: {"anyOf": [ANY, {"enum": there}]} for name in FIELDS[service]}}
        body = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
        operation = {"parameters": inside + asked, "responses": {"default": {"description": "any"}}}
        paths.setdefault(plain, {})[method.lower()] = operation | ({"requestBody": body} if method == "POST" else {})
    return {"openapi": "3.1.0", "info": {"title": service, "version": "1"}, "paths": paths}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def house(runner: asyncio.Runner, databases: Databases) -> Iterator[House]:
    opened = House(runner.run(databases.migrated()), tries_limit=1_000_000)
    yield opened
    runner.run(opened.close())


def check(answer: Answer, path: str, *, has_pages: bool) -> None:
    assert answer.status < 500 or (answer.status == 503 and path in AWAY), answer.text[:2000]
    assert "Traceback" not in answer.text and ".py" not in answer.text, answer.text[:2000]
    assert not has_pages or all(name in answer.headers for name in PROTECTIONS), answer.headers
    if answer.status in {301, 302, 303, 307, 308}:
        assert answer.leads_to.startswith("/") and not answer.leads_to.startswith("//"), answer.leads_to


def target(case: Any) -> str:
    filled = re.sub(r"{(\w+)}", lambda name: quote(str(case.path_parameters[name[1]]), safe=""), case.path)
    return f"{filled}?{urlencode(case.query or {}, doseq=True)}"


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_makes_a_service_fail(service: str, house: House, runner: asyncio.Runner) -> None:
    matter = Matter()
    runner.run(house.prepare(service, matter, "open"))
    person: Person | None = matter.person(WHO[service])
    import schemathesis  # noqa: PLC0415  # takes a second, wherever tests are collected

    schema = schemathesis.openapi.from_dict(described(service, house.routes(service), matter))
    seen: set[int] = set()
    for found in schema.get_all_operations():
        result: Any = found
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(FUZZ, max_examples=12)
        def ask(case: Any) -> None:
            for who in (person, None):
                form = case.body if isinstance(case.body, dict) else {}
                answer = runner.run(house.ask(service, case.method.upper(), target(case), who, form))
                check(answer, case.path, has_pages=service != "registrar")
                seen.add(answer.status)

        ask()
    assert 200 in seen, seen
    assert service == "registrar" or 404 in seen, seen
