"""The form "Add a customer account", over HTTP on the real application and database."""

import asyncio
import re
from collections.abc import Sequence
from html import unescape
from typing import Any
from uuid import RFC_4122, UUID, uuid4, uuid5

import httpx2
import pytest
from uuid_utils.compat import uuid7

from services.portal import store
from services.portal.pages.checking import id_of
from services.portal.pages.form import MOST_ROWS
from shared.database import Database
from tests.services.portal.conftest import AN, BINH, STAFF, Browse, published, rows
from tests.services.portal.facts import ID, requested

GOOD = ("mot@example.com", "Khách Một", "Partner")
OTHER = ("hai@example.com", "Khách Hai", "Partner")


def form(*customers: Sequence[str], **more: str) -> dict[str, Any]:
    emails, names, roles = (list(column) for column in zip(*customers, strict=True))
    return {"customer_email": emails, "common_name": names, "role": roles, **more}


def typed(page: httpx2.Response, field: str) -> list[str]:
    found = re.findall(rf'name="{field}"[^>]*?value="([^"]*)"', page.text)
    return [unescape(value) for value in found]


async def test_a_form_begins_with_one_empty_row_and_the_default_role(browse: Browse) -> None:
    page = await browse().get("/accounts/add")
    assert page.status_code == 200
    assert (typed(page, "customer_email"), typed(page, "common_name")) == ([""], [""])
    assert '<option value="Partner">Partner</option>' in page.text
    labels = {
        "Account",
        "Add a customer account",
        "Email address",
        "Common name",
        "Your role",
        "Add a customer",
        "Add",
    }
    for label in labels:
        assert f">{label}<" in page.text


async def test_add_a_customer_gives_one_more_row_and_keeps_what_was_typed(browse: Browse, database: Database) -> None:
    browser = browse()
    first = await browser.get("/accounts/add")
    batch = typed(first, "batch_id")
    wanted = form(("not yet an ad", "<b>Một", "Partner"), action="add_row", batch_id=batch[0])
    page = await browser.post("/accounts", data=wanted)
    assert page.status_code == 200
    assert typed(page, "customer_email") == ["not yet an ad", ""]
    assert typed(page, "common_name") == ["<b>Một", ""]
    assert typed(page, "batch_id") == batch
    assert "field-error" not in page.text
    assert await published(database) == []


async def test_good_rows_are_published_with_who_asked_for_them(browse: Browse, database: Database) -> None:
    batch = uuid7()
    await browse().post("/accounts", data=form(("  Mot@Example.com ", " Khách Một ", ""), batch_id=str(batch)))
    assert await published(database) == [
        {
            "registration_id": str(id_of(batch, "p-1", "mot@example.com")),
            "batch_id": str(batch),
            "partner_id": "p-1",
            "partner_name": "Đối tác A",
            "customer_email": "mot@example.com",
            "common_name": "Khách Một",
            "role": "Partner",
            "requested_by": "an@partner.example",
            "requester_locale": "en",
            "requested_at": "2026-07-01T09:00:00Z",
        }
    ]


async def test_ids_of_a_later_form_come_after_those_of_an_earlier_one_whatever_the_addresses(browse: Browse) -> None:
    addresses = [f"{number}@example.com" for number in range(50)]
    first, second = UUID("019a0000-0000-7fff-bfff-ffffffffffff"), UUID("019a0000-0001-7000-8000-000000000000")
    earlier, later = ({id_of(batch, "p-1", it) for it in addresses} for batch in (first, second))
    assert len(earlier) == len(later) == len(addresses)
    assert max(earlier) < min(later)
    assert {(it.version, it.variant) for it in earlier | later} == {(8, RFC_4122)}
    assert UUID(typed(await browse().get("/accounts/add"), "batch_id")[0]).version == 7


def test_nobody_else_comes_upon_the_id_of_a_partners_customer() -> None:
    batch = uuid7()
    assert id_of(batch, "p-1", "mot@example.com") != id_of(batch, "p-2", "mot@example.com")


def test_a_form_of_the_release_before_makes_the_ids_that_it_made_there() -> None:
    batch = UUID("2f3c7a52-5b1e-4c7e-9d35-0c6f6d1f5a11")
    assert id_of(batch, "p-1", "mot@example.com") == uuid5(batch, "mot@example.com")


async def test_who_asks_is_never_taken_from_the_form(browse: Browse, database: Database) -> None:
    forged = {
        "partner_id": "p-2",
        "partner_name": "X",
        "requested_by": "x@y.example",
        "requester_locale": "vi",
    }
    await browse().post("/accounts", data=form(GOOD, **forged))
    (told,) = await published(database)
    assert {name: told[name] for name in forged} == {
        "partner_id": "p-1",
        "partner_name": "Đối tác A",
        "requested_by": AN.email,
        "requester_locale": "en",
    }


async def test_a_wholly_good_form_leads_to_the_list_which_says_how_many_were_added(browse: Browse) -> None:
    browser = browse()
    answer = await browser.post("/accounts", data=form(GOOD, ("", " ", "Partner"), OTHER))
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert "2 customers were added" in page.text
    assert page.text.count(">Registered<") == 2
    elsewhere = await browse().get(f"/accounts?batch={uuid4()}")
    assert "added" not in elsewhere.text


async def test_no_good_row_is_lost_to_a_bad_one(browse: Browse, database: Database) -> None:
    bad = ("nobody", "Ba <Ba>", "Partner")
    page = await browse().post("/accounts", data=form(GOOD, bad, OTHER))
    assert page.status_code == 200
    assert [one["customer_email"] for one in await published(database)] == [GOOD[0], OTHER[0]]
    assert (typed(page, "customer_email"), typed(page, "common_name")) == (["nobody"], ["Ba <Ba>"])
    for email, name, _role in (GOOD, OTHER):
        assert re.search(rf"<bdi>{email}</bdi></a>\s+\(<bdi>{name}</bdi>\): added", page.text)
    assert 'aria-describedby="email-1-problem"' in page.text
    assert "This is not an email address" in page.text


async def test_the_summary_has_the_focus_and_leads_to_each_field_that_is_wrong(browse: Browse) -> None:
    page = await browse().post("/accounts", data=form(("nobody", "Ba", "Partner"), ("bon@example.com", "", "Partner")))
    (summary,) = re.findall(
        r'<div class="notice bad" role="alert" id="problem" tabindex="-1" autofocus>.*?</div>', page.text, re.DOTALL
    )
    assert "2 customers were not added" in summary
    assert re.findall(r'Customer (\d): <a href="#([^"]+)">', summary) == [("1", "email-1"), ("2", "name-2")]
    assert page.text.count("autofocus") == 1
    for field in ("email-1", "name-2"):
        assert re.search(rf'<input id="{field}" [^>]*aria-invalid="true" aria-describedby="{field}-problem"', page.text)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("", "Một", "Partner"), "Enter the customer's email address."),
        (("mot@", "Một", "Partner"), "This is not an email address."),
        (("mot@example.com", " ", "Partner"), "Enter a common name."),
        (("mot@example.com", "x" * 201, "Partner"), "200 characters at most"),
        (("mot@example.com", "x\ny", "Partner"), "on one line"),
        (("mot@example.com", "Một", "Owner"), "Choose a role"),
    ],
)
async def test_a_bad_row_says_what_is_wrong_at_its_field(
    browse: Browse, database: Database, row: tuple[str, str, str], says: str
) -> None:
    page = await browse().post("/accounts", data=form(row))
    assert page.status_code == 422
    assert "1 customer was not added" in page.text
    problem = page.text.split('class="field-error"')
    assert len(problem) == 2
    assert says in problem[1].split("</small>")[0]
    assert (typed(page, "customer_email"), typed(page, "common_name")) == ([row[0]], [row[1]])
    assert await published(database) == []


@pytest.mark.parametrize("sign", ["\x07", "\x00", "\x85", "\uffff"])
async def test_what_html_cannot_hold_is_marked_where_it_stood_and_never_taken(
    browse: Browse, database: Database, sign: str
) -> None:
    page = await browse().post("/accounts", data=form(("mot@example.com", f"x{sign}y", "Partner")))
    assert page.status_code == 422 and "on one line" in page.text
    assert sign not in page.text
    assert typed(page, "common_name") == ["x\ufffdy"]
    again = await browse().post("/accounts", data=form(("mot@example.com", "x\ufffdy", "Partner")))
    assert again.status_code == 422
    assert await published(database) == []


ODD_NAMES = ["<b>Một</b>", "=1+1", "\u202eevil", "שלום", "Công ty 😀", "x" * 200, "&amp;", "'\"", "{{ 7 * 7 }}"]


async def test_odd_names_are_text_like_any_other(browse: Browse, database: Database) -> None:
    many = [(f"k{n}@example.com", name, "Partner") for n, name in enumerate(ODD_NAMES)]
    page = await browse().post("/accounts", data=form(*many, ("nobody", "x", "Partner")))
    assert [one["common_name"] for one in await published(database)] == ODD_NAMES
    assert [unescape(name) for name in re.findall(r"\(<bdi>(.*?)</bdi>\)", page.text)] == ODD_NAMES
    for one in await published(database):
        detail = await browse().get(f"/accounts/{one['registration_id']}")
        assert unescape(re.findall(r"<h1><bdi>(.*?)</bdi></h1>", detail.text)[0]) == one["common_name"]


@pytest.mark.parametrize(
    ("email", "name", "hints"),
    [
        ("pple@example.com", "Samsung", []),
        ("nguyen.an@example.com", "Nguyễn Ân, Công ty Đất Việt", []),
        ("nguyễn@example.com", "Nguyễn", ["ễ"]),
        ("\u0430pple@example.com", "Иван", ["\u0430"]),
        ("an@example.com", "\u0405amsung", ["\u0405"]),
    ],
)
async def test_letters_that_may_be_taken_for_others_are_pointed_out_and_accepted(
    browse: Browse, database: Database, email: str, name: str, hints: list[str]
) -> None:
    browser = browse()
    page = await browser.post("/accounts", data=form((email, name, "Partner"), action="add_row"))
    assert re.findall(r'class="field-hint"[^>]*>[^<]*<bdi>(.*?)</bdi>', page.text) == hints
    said = re.findall(r'<small class="field-hint" id="(.*?)">', page.text)
    assert re.findall(r'aria-describedby="(\w+-1-hint)"', page.text) == said
    assert (await browser.post("/accounts", data=form((email, name, "Partner")))).status_code == 303


async def test_the_second_of_two_equal_addresses_is_the_bad_one(browse: Browse, database: Database) -> None:
    page = await browse().post("/accounts", data=form(GOOD, (" MOT@example.com", "Khách Hai", "Partner")))
    assert page.status_code == 200
    assert [one["common_name"] for one in await published(database)] == ["Khách Một"]
    assert "in the form twice" in page.text
    assert typed(page, "common_name") == ["Khách Hai"]


async def test_a_form_sent_again_adds_nothing_and_answers_the_same(browse: Browse, database: Database) -> None:
    browser, sending = browse(), form(GOOD, OTHER, batch_id=str(uuid4()))
    first = await browser.post("/accounts", data=sending)
    again = await asyncio.gather(*(browser.post("/accounts", data=sending) for _ in range(4)))
    assert {(one.status_code, one.headers["location"]) for one in [first, *again]} == {(303, first.headers["location"])}
    assert len(await published(database)) == 2
    mixed = await browser.post("/accounts", data=form(GOOD, ("nobody", "x", "Partner"), batch_id=sending["batch_id"]))
    assert "already added with this form" in mixed.text
    assert len(await published(database)) == 2


async def test_fifty_customers_are_taken(browse: Browse, database: Database) -> None:
    many = [(f"k{n}@example.com", f"Khách {n}", "Partner") for n in range(MOST_ROWS)]
    assert (await browse().post("/accounts", data=form(*many, ("", "", "Partner")))).status_code == 303
    assert len(await published(database)) == 50


@pytest.mark.parametrize("count", [51, 200])
async def test_more_than_fifty_are_refused_whole_and_kept_in_the_form(
    browse: Browse, database: Database, count: int
) -> None:
    many = [(f"k{n}@example.com", f"Khách {n}", "Partner") for n in range(count)]
    page = await browse().post("/accounts", data=form(*many))
    assert page.status_code == 422
    assert f"Nothing was added: {count} customers were in the form. A form takes 50 customers at most." in page.text
    assert len(typed(page, "customer_email")) == count
    assert await published(database) == []
    assert await rows(database, "select registration_id from registrations") == []


@pytest.mark.parametrize("action", ["add", "add_row", "remove_1", "fill_in"])
async def test_a_form_far_too_long_is_given_back_in_part_and_says_so(
    browse: Browse, database: Database, action: str
) -> None:
    many = [(f"k{n}@example.com", f"Khách {n}", "Partner") for n in range(600)]
    page = await browse().post(
        "/accounts", data=form(*many, action=action, pasted="x@example.com,X" * (action == "fill_in"))
    )
    assert len(typed(page, "customer_email")) == 200
    assert f"The form had {600 - (action == 'remove_1')} rows. Only the first 200 of them are here." in page.text
    if action == "add":
        assert "Nothing was added: 600 customers were in the form." in page.text
    assert await published(database) == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_of_thousands_of_fields_is_too_much_at_once(browse: Browse, database: Database, kind: str) -> None:
    many = form(*[(f"k{n}@example.com", "K", "Partner") for n in range(700)])
    files = {"list": ("list.csv", b"", "text/csv")} if kind.startswith("multipart") else None
    page = await browse().post("/accounts", data=many, files=files)
    assert page.status_code == 413
    assert "That is too much at once" in page.text
    assert await published(database) == []


@pytest.mark.parametrize("sent", [{}, form(("", "", "Partner")), {"customer_email": [""]}])
async def test_an_empty_form_is_told_so(browse: Browse, sent: dict[str, Any]) -> None:
    page = await browse().post("/accounts", data=sent)
    assert page.status_code == 422
    assert "enter at least one customer" in page.text
    assert typed(page, "customer_email") == [""]


async def test_a_form_whose_own_id_is_garbled_is_refused_and_gets_a_new_one(browse: Browse, database: Database) -> None:
    page = await browse().post("/accounts", data=form(GOOD, batch_id="not-an-id"))
    assert page.status_code == 422
    assert UUID(typed(page, "batch_id")[0])
    assert typed(page, "customer_email") == [GOOD[0]]
    assert await published(database) == []


async def test_registering_again_begins_with_what_the_partner_had_registered(
    browse: Browse, database: Database
) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested(common_name='Khách "Một"')])
    page = await browse().get(f"/accounts/add?again={ID}")
    assert (typed(page, "customer_email"), typed(page, "common_name")) == (["khach@example.com"], ['Khách "Một"'])
    assert typed(page, "batch_id") != typed(await browse().get(f"/accounts/add?again={ID}"), "batch_id")


@pytest.mark.parametrize("again", ["11111111-1111-4111-8111-111111111111", "not-an-id", "", str(ID)])
async def test_nothing_but_ones_own_is_filled_in(browse: Browse, database: Database, again: str) -> None:
    async with database.transaction() as tx:
        await store.request(tx, [requested()])
    page = await browse(BINH).get(f"/accounts/add?again={again}")
    assert page.status_code == 200
    assert (typed(page, "customer_email"), typed(page, "common_name")) == ([""], [""])


async def test_only_people_of_a_partner_register_customers(browse: Browse, database: Database) -> None:
    assert (await browse(None).post("/accounts", data=form(GOOD))).status_code == 401
    assert (await browse(STAFF).post("/accounts", data=form(GOOD))).status_code == 403
    foreign = browse(origin="https://evil.example")
    assert (await foreign.post("/accounts", data=form(GOOD))).status_code == 403
    assert await published(database) == []
