"""The page of one registration: how far it has come, and what is put in place again while it is open."""

import re
from html.parser import HTMLParser

import pytest

from services.portal import store
from services.portal.asks import Obstacle
from services.portal.domain import Status
from services.portal.facts import Fact
from shared.database import Database
from shared.events import Outcome
from tests.purging import purge
from tests.services.portal.conftest import AN, Browse
from tests.services.portal.facts import approved, closed, confirmed, opened, requested, sent, undeliverable
from tests.services.portal.test_changes import PAGE, REFUSALS, RESEND, WITHDRAW, hear

STORIES: dict[str, tuple[tuple[Fact, ...], list[str]]] = {
    "requested": ((), ["now", "later", "later"]),
    "awaiting_confirmation": ((opened(), sent()), ["done", "now", "later"]),
    "undeliverable": ((opened(), sent(), undeliverable()), ["done", "now", "later"]),
    "awaiting_approval": ((opened(), sent(), confirmed()), ["done", "done", "now"]),
    "approved": ((opened(), sent(), confirmed(), approved()), ["done", "done", "done"]),
    "approved, all else heard of later": ((approved(),), ["done", "done", "done"]),
    "refused": ((closed(Outcome.REFUSED, "not_registered"),), ["ended", "later", "later"]),
    "declined": ((opened(), sent(), closed(Outcome.DECLINED)), ["done", "ended", "later"]),
    "expired": ((opened(), sent(), closed(Outcome.EXPIRED)), ["done", "ended", "later"]),
    "withdrawn": ((opened(), sent(), closed(Outcome.WITHDRAWN)), ["done", "ended", "later"]),
    "withdrawn once confirmed": ((opened(), confirmed(), closed(Outcome.WITHDRAWN)), ["done", "done", "ended"]),
    "rejected": ((opened(), confirmed(), closed(Outcome.REJECTED, "Thiếu")), ["done", "done", "ended"]),
    "rejected by policy": ((opened(), closed(Outcome.REJECTED, "current_customer")), ["done", "later", "ended"]),
}

every_story = pytest.mark.parametrize("story", STORIES)


async def live_through(database: Database, story: str) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    if facts := STORIES[story][0]:
        await hear(database, *facts)


def test_every_status_has_its_story() -> None:
    assert {name.split()[0].strip(",") for name in STORIES} >= {*Status}


@every_story
async def test_three_steps_say_in_words_how_far_it_has_come(browse: Browse, database: Database, story: str) -> None:
    await live_through(database, story)
    page = (await browse().get(PAGE)).text
    (steps,) = re.findall(r'<ol class="progress".*?</ol>', page, re.DOTALL)
    states = STORIES[story][1]
    assert re.findall(r'<li class="(\w+)"', steps) == states
    assert re.findall(r'class="step">(.*?)<', steps) == ["Registered", "Customer confirmed", "VNG Cloud approved"]
    assert re.findall(r'<li class="(\w+)" aria-current="step"', steps) == [it for it in states if it == "now"]
    said = [text.strip() for text in re.findall(r"<small>(.*?)</small>", steps, re.DOTALL)]
    assert all(said)
    ended = {word: states[at] for at, word in enumerate(said) if word in {"Not yet", "Not reached"}}
    assert set(ended.values()) <= {"later"}
    assert ("Not reached" in ended) == ("ended" in states and "later" in states)


class Parts(HTMLParser):
    """Which parts with an id stand around each element that has one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._open: list[tuple[str, str | None]] = []
        self.around: dict[str, list[str]] = {}
        self.live: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if id_ := values.get("id"):
            assert id_ not in self.around, f"{id_} is there twice"
            self.around[id_] = [it for _, it in self._open if it]
        if "data-live" in values:
            self.live.append(values)
        if tag not in {"input", "meta", "link", "br"}:
            self._open.append((tag, values.get("id")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag


def renewed(parts: Parts) -> set[str]:
    (live,) = parts.live
    assert str(live["data-hx-get"]).split("?")[0] == PAGE
    assert str(live["data-live"]).startswith("/accounts/changes?since=")
    return {str(live["id"]), *(it.removeprefix("#") for it in str(live["data-hx-select-oob"]).split(","))}


@every_story
async def test_every_part_that_is_renewed_is_there_in_every_state(
    browse: Browse, database: Database, story: str
) -> None:
    """A part that one answer lacks would keep what it showed before."""
    await live_through(database, story)
    parts = Parts((await browse().get(PAGE)).text)
    assert renewed(parts) == {"standing", "facts", "resending", "past"}
    assert all(parts.around[it] == ["main"] for it in renewed(parts))


async def test_what_is_typed_into_stands_outside_of_what_is_renewed(browse: Browse, database: Database) -> None:
    await live_through(database, "awaiting_confirmation")
    parts = Parts((await browse().get(PAGE)).text)
    assert not renewed(parts) & {*parts.around["reason"]}
    assert "resending" in parts.around["send-again"]


def below(page: str) -> str:
    return re.sub(r"since=[\d.]+", "", page[page.index('id="standing"') :])


@pytest.mark.parametrize(("code", "path", "facts", "_english", "_vietnamese"), REFUSALS)
async def test_a_refusal_stays_and_nothing_below_it_jumps_when_it_is_renewed(
    browse: Browse,
    database: Database,
    code: Obstacle,
    path: str,
    facts: tuple[Fact, ...],
    _english: str,
    _vietnamese: str,
) -> None:
    browser = browse()
    await hear(database, *facts)
    if code is Obstacle.BEING_WITHDRAWN:
        await browser.post(WITHDRAW)
    page = (await browser.post(path)).text
    assert page.index('role="alert"') < page.index('id="standing"')
    (live,) = Parts(page).live
    again = await browser.get(str(live["data-hx-get"]))
    assert (again.status_code, below(again.text)) == (200, below(page))


async def test_what_changed_after_a_refusal_is_said(browse: Browse, database: Database) -> None:
    browser = browse()
    await hear(database, opened(), confirmed())
    page = (await browser.post(RESEND)).text
    (live,) = Parts(page).live
    await hear(database, approved())
    assert "You manage this customer" in (await browser.get(str(live["data-hx-get"]))).text


@pytest.mark.parametrize("refused", [*Obstacle, "x", "", "\x00"])
@every_story
async def test_no_address_makes_a_page_say_a_refusal_that_does_not_hold(
    browse: Browse, database: Database, story: str, refused: str
) -> None:
    await live_through(database, story)
    status = story.split(maxsplit=1)[0].strip(",").replace("undeliverable", "awaiting_confirmation")
    page = await browse().get(PAGE, params={"refused": refused, "while": status})
    assert page.status_code == 200
    if 'role="alert"' in page.text:
        assert (await browse().post(WITHDRAW if refused == Obstacle.ALREADY_ENDED else RESEND)).status_code == 409


async def test_a_page_left_open_stops_offering_what_is_over(browse: Browse, database: Database) -> None:
    """The stylesheet hides the form to withdraw by this mark."""
    browser = browse()
    await live_through(database, "awaiting_confirmation")
    assert "data-over" not in (await browser.get(PAGE)).text
    await browser.post(WITHDRAW)
    assert "data-over" in (await browser.get(PAGE)).text
    await hear(database, closed(Outcome.WITHDRAWN))
    assert "data-over" in (await browser.get(PAGE)).text


async def test_what_people_wrote_never_turns_the_line_around_it(browse: Browse, database: Database) -> None:
    name, reason, mail_server = "\u202eevil", "\u202eeslaf", "550 \u202eon"
    async with database.transaction() as tx:
        await store.request(tx, [requested(common_name=name)])
    failed = undeliverable().model_copy(update={"detail": mail_server})
    await hear(database, opened(common_name=name), sent(), failed)
    browser = browse()
    pages = (await browser.get(PAGE)).text
    await browser.post(WITHDRAW, data={"reason": reason})
    await hear(database, closed(Outcome.WITHDRAWN, reason))
    pages += (await browser.get(PAGE)).text
    body = re.sub(r"<title>.*?</title>", "", pages)
    assert body.count("\u202e") == len(re.findall(r"<bdi>[^<]*\u202e[^<]*</bdi>", body)) > 6


@pytest.mark.parametrize(("email", "hints"), [("khach@example.com", 0), ("kh\u0430ch@example.com", 1)])
async def test_an_address_with_letters_that_look_like_others_is_pointed_out(
    browse: Browse, database: Database, email: str, hints: int
) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested(customer_email=email)])
    assert (await browse().get(PAGE)).text.count("field-hint") == hints


CLOSED_STORIES = [
    story for story in STORIES if story.split()[0] in {"refused", "declined", "expired", "withdrawn", "rejected"}
]


@pytest.mark.parametrize("story", CLOSED_STORIES)
async def test_what_was_purged_is_still_listed_and_shown_without_a_word_of_who_it_was(
    browse: Browse, database: Database, database_url: str, story: str
) -> None:
    await live_through(database, story)
    assert "portal: 1 registrations blanked" in await purge(database_url)
    for address in (PAGE, "/accounts", "/accounts/export.csv"):
        page = await browse().get(address)
        assert page.status_code == 200 and "—" in page.text
        assert not [it for it in ("khach@", "Khách Một", "Thiếu") if it in page.text]
        assert address == "/accounts" or AN.email not in page.text.partition("<main")[2]
    assert "Register again" not in (await browse().get(PAGE)).text
