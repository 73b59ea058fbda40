"""Everybody at every door: what the table says is what happens, and no door is missing from it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from shared.topics import SERVICES
from tests.access.house import NO_HEADERS, Answer, House, Matter
from tests.access.table import ACTIONS, CELLS, CHANGING, WHO, Action

pytestmark = pytest.mark.asyncio(loop_scope="module")

INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)


def address(action: Action, matter: Matter, who: str) -> str:
    token = matter.token if who == "customer" else matter.forged
    known = {
        "/static": "/static/site.css",
        "/accounts": f"/accounts?q={matter.words}",
        "/cases": f"/cases?q={matter.words}",
        "/confirmations{rest:path}": "/confirmations",
    }
    filled = known.get(action.route, action.route).replace("{answer:str}", "confirm")
    return filled.format(token=token, registration_id=matter.registration_id, number=matter.record)


def form(action: Action, matter: Matter) -> dict[str, Any]:
    match action.route.rpartition("/")[2]:
        case "accounts":
            return {"customer_email": "moi@example.com", "common_name": "Khách mới", "role": "Partner"}
        case "approve":
            override = {"override_reason": "Ngoại lệ"} if action.given == "override" else {}
            return {"registration_id": str(matter.registration_id), **override}
        case "reject" | "discard":
            return {"reason": "Hồ sơ thiếu"}
        case _:
            return {}


async def tried(
    house: House, action: Action, who: str, matter: Matter, headers: Mapping[str, str | None] = NO_HEADERS
) -> Answer:
    person = matter.person(who) if action.service in {"portal", "approver"} else None
    fields = form(action, matter) if action.method == "POST" else None
    return await house.ask(action.service, action.method, address(action, matter, who), person, fields, headers=headers)


async def prepared(house: House, action: Action, name: str = "Công ty A") -> Matter:
    matter = Matter(name=name)
    given = "ineligible" if action.given == "override" else action.given
    await house.prepare(action.service, matter, given)
    return matter


def found(answer: Answer, matter: Matter, changed: bool) -> str:
    """In the table's words."""
    if changed:
        assert answer.status in {200, 303}
        return "acts"
    if answer.status == 303 and answer.leads_to.startswith("/auth/sign-in"):
        return "sign-in"
    return "reads" if answer.status == 200 and matter.email in answer.text else str(answer.status)


@pytest.mark.parametrize(("action", "who"), CELLS, ids=str)
async def test_each_may_do_what_the_table_says_and_nothing_else(house: House, action: Action, who: str) -> None:
    matter = await prepared(house, action)
    before = await house.stands(action.service, matter)
    answer = await tried(house, action, who, matter)
    changed = await house.stands(action.service, matter) != before
    expected = action.expected[who]
    assert found(answer, matter, changed) == expected
    if answer.status not in {200, 409, 422}:
        assert matter.email not in answer.text
    if action.service != "registrar":
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert answer.headers["cache-control"] == "no-store"
        assert not INLINE.search(answer.text)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_door_is_missing_from_the_table_and_none_is_made_up(house: House, service: str) -> None:
    assert {(it.method, it.route) for it in ACTIONS if it.service == service} == house.routes(service)


async def test_the_table_gives_everybody_in_every_state_an_answer() -> None:
    assert all(tuple(it.expected) == WHO for it in ACTIONS)
    assert len({str(it) for it in ACTIONS}) == len(ACTIONS)


ELSEWHERE: dict[str, dict[str, str | None]] = {
    "another site": {"origin": "https://evil.example"},
    "a page without a name": {"origin": "null"},
    "another service of ours": {"origin": "http://localhost:8009"},
    "a browser that says only that it is another site": {"origin": None, "sec-fetch-site": "cross-site"},
    "a sister site": {"origin": None, "sec-fetch-site": "same-site"},
}


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
@pytest.mark.parametrize("action", CHANGING, ids=str)
async def test_who_may_act_does_not_act_by_a_form_of(house: House, action: Action, elsewhere: str) -> None:
    who = next(who for who in WHO if action.expected[who] == "acts")
    matter = await prepared(house, action)
    before = await house.stands(action.service, matter)
    answer = await tried(house, action, who, matter, ELSEWHERE[elsewhere])
    assert answer.status == 403
    assert await house.stands(action.service, matter) == before


@pytest.mark.parametrize("action", [it for it in CHANGING if it.service != "notifier"], ids=str)
async def test_a_session_alone_acts_by_no_form_that_says_nothing_of_where_it_comes_from(
    house: House, action: Action
) -> None:
    who = next(who for who in WHO if action.expected[who] == "acts")
    matter = await prepared(house, action)
    before = await house.stands(action.service, matter)
    assert (await tried(house, action, who, matter, {"origin": None})).status == 403
    assert await house.stands(action.service, matter) == before


NAMELESS = "/cases/{registration_id}/news"
READING = [(it, who) for it, who in CELLS if it.expected[who] == "reads" and who != "admin" and it.route != NAMELESS]
CODE = "<script>x</script>{{ 6007 * 7 }}{% raw %}${6007*7}%(n)s\"'"


@pytest.mark.parametrize(("action", "who"), READING, ids=str)
async def test_what_people_call_themselves_is_nothing_but_text(house: House, action: Action, who: str) -> None:
    matter = await prepared(house, action, CODE)
    answer = await tried(house, action, who, matter)
    page = answer.text
    assert "6007 * 7" in page and "%(n)s" in page and "{% raw %}" in page
    assert "42049" not in page and ("<script>x" not in page or answer.headers["content-type"].startswith("text/csv"))


@pytest.mark.parametrize("role", ["partner", "vng-reviewer", "vng-admin"])
@pytest.mark.parametrize("service", ["portal", "approver"])
async def test_the_session_of_one_service_opens_no_other(house: House, service: str, role: str) -> None:
    """Whatever its name is changed to."""
    matter = Matter()
    other = "approver" if service == "portal" else "portal"
    who = {"partner": "partner", "vng-reviewer": "reviewer", "vng-admin": "admin"}[role]
    theirs = house.cookies(other, matter.person(who))
    ours = house.cookies(service, matter.person(who))
    moved = dict(zip(ours, theirs.values(), strict=True))
    cookie = "; ".join(f"{name}={value}" for name, value in moved.items())
    path = "/accounts" if service == "portal" else "/cases"
    answer = await house.ask(service, "GET", path, headers={"cookie": cookie})
    assert (answer.status, answer.leads_to[:13]) == (303, "/auth/sign-in")


OWN = re.compile(r'name="form_token" value="[^"]+"|(?<=quarantine/)\d+|(?<=quarantine%2F)\d+')
"""What two answers of the same kind may differ in."""
REFUSED = [(it, who) for it, who in CELLS if "{" in it.route and it.expected[who] in {"401", "403", "404", "sign-in"}]


@pytest.mark.parametrize(("action", "who"), REFUSED, ids=str)
async def test_what_is_not_theirs_answers_like_what_is_not_there(house: House, action: Action, who: str) -> None:
    """No answer tells whether a registration exists."""
    said = []
    for matter in (await prepared(house, action), Matter()):
        answer = await tried(house, action, who, matter)
        whole = f"{answer.status} {answer.leads_to} {answer.text}"
        for own, common in ((str(matter.registration_id), "ID"), (matter.forged, "LINK")):
            whole = whole.replace(own, common)
        said.append(OWN.sub("", whole))
    assert said[0] == said[1]
