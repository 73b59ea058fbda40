"""Rows of the form "Add a customer account": added, removed and filled in from lists, over HTTP. Nothing but "Add"
registers anything; without JavaScript the same posts give a whole page.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.portal.pages.form import MOST_ROWS
from shared.database import Database
from tests.services.portal.conftest import Browse, published
from tests.services.portal.lists import in_vietnamese_windows
from tests.services.portal.test_form import GOOD, OTHER, form, typed

Rows = list[tuple[str, str]]


def rows_of(page: httpx2.Response) -> Rows:
    assert page.status_code == 200
    return list(zip(typed(page, "customer_email"), typed(page, "common_name"), strict=True))


def focused(page: httpx2.Response) -> str:
    (found,) = re.findall(r'<(?:input|p|div)\b[^>]*?\bid="([^"]*)"[^>]*? autofocus>', page.text)
    return str(found)


def numbers(page: httpx2.Response) -> list[str]:
    return re.findall(r"<legend>Customer (\d+)</legend>", page.text)


async def test_one_types_next_into_the_row_that_was_added(browse: Browse) -> None:
    page = await browse().post("/accounts", data=form(GOOD, OTHER, action="add_row"))
    assert rows_of(page) == [GOOD[:2], OTHER[:2], ("", "")]
    assert (focused(page), numbers(page)) == ("email-3", ["1", "2", "3"])


@pytest.mark.parametrize(
    ("number", "left", "next_field"),
    [
        ("1", ["b", "c"], "email-1"),
        ("2", ["a", "c"], "email-2"),
        ("3", ["a", "b"], "email-2"),
        ("4", ["a", "b", "c"], "email-3"),
        ("0", ["a", "b", "c"], "email-1"),
    ],
)
async def test_a_removed_row_leaves_the_others_as_they_were_typed_and_numbered_anew(
    browse: Browse, database: Database, number: str, left: list[str], next_field: str
) -> None:
    three = [(name, f"<{name}>", "Partner") for name in ("a", "b", "c")]
    page = await browse().post("/accounts", data=form(*three, action=f"remove_{number}"))
    assert rows_of(page) == [(name, f"<{name}>") for name in left]
    assert numbers(page) == [str(n) for n in range(1, len(left) + 1)]
    assert focused(page) == next_field
    assert await published(database) == []


async def test_each_row_says_which_one_its_button_removes(browse: Browse) -> None:
    page = await browse().post("/accounts", data=form(GOOD, OTHER, action="add_row"))
    buttons = re.findall(r'value="remove_(\d)" aria-label="([^"]*)"[^>]*>(.*?)</button>', page.text)
    assert buttons == [(n, f"Remove customer {n}", "Remove") for n in ("1", "2", "3")]


async def test_the_last_row_removed_leaves_an_empty_one(browse: Browse) -> None:
    page = await browse().post("/accounts", data=form(GOOD, action="remove_1"))
    assert rows_of(page) == [("", "")]


async def test_marks_on_rows_stay_while_other_rows_come_and_go(browse: Browse) -> None:
    browser = browse()
    page = await browser.post("/accounts", data=form(("nobody", "Một", "Partner"), ("", "Hai", "Partner")))
    kept = {"checked": typed(page, "checked")[0], "batch_id": typed(page, "batch_id")[0]}
    page = await browser.post(
        "/accounts", data=form(("nobody", "Một", "Partner"), ("", "Hai", "Partner"), action="remove_1", **kept)
    )
    assert re.findall(r'<small class="field-error" id="(.*?)">', page.text) == ["email-1-problem"]
    page = await browser.post("/accounts", data=form(("", "Hai", "Partner"), action="add_row", **kept))
    assert re.findall(r'<small class="field-error" id="(.*?)">', page.text) == ["email-1-problem"]
    assert focused(page) == "email-2"


async def test_a_full_form_says_so_and_grows_no_more(browse: Browse) -> None:
    many = [(f"k{n}@example.com", "K", "Partner") for n in range(MOST_ROWS)]
    page = await browse().post("/accounts", data=form(*many, action="add_row"))
    assert len(rows_of(page)) == MOST_ROWS
    assert "The form is full" in page.text
    assert ">Add a customer</button>" not in page.text


async def test_the_enter_key_adds_a_row_and_sends_nothing(browse: Browse) -> None:
    """Browsers press the first button of a form, wherever it stands on the page."""
    page = (await browse().get("/accounts/add")).text
    of_the_form = page.index('<form id="customers"')
    buttons = [
        it for it in re.finditer(r"<button[^>]*>", page) if 'form="customers"' in it[0] or it.start() > of_the_form
    ]
    assert 'value="add_row"' in buttons[0][0] and 'tabindex="-1"' in buttons[0][0]


async def test_another_language_keeps_what_was_typed_and_is_remembered(browse: Browse, database: Database) -> None:
    browser = browse()
    page = await browser.post("/accounts", data=form(GOOD, ("half@", "", "Partner"), language="vi", pasted="và một"))
    assert rows_of(page) == [GOOD[:2], ("half@", "")]
    assert "<legend>Khách hàng 1</legend>" in page.text
    assert "và một</textarea>" in page.text
    assert "<h1>Thêm tài khoản khách hàng</h1>" in (await browser.get("/accounts/add")).text
    assert await published(database) == []


async def test_another_language_loses_no_file_that_was_chosen(browse: Browse) -> None:
    page = await filled(browse, GOOD, file=b"hai@example.com,Khach Hai", language="vi", action="")
    assert rows_of(page) == [GOOD[:2], ("hai@example.com", "Khach Hai")]
    assert "<legend>Khách hàng 2</legend>" in page.text


async def filled(browse: Browse, *customers: tuple[str, str, str], **more: Any) -> httpx2.Response:
    files = {"list": ("list.csv", more.pop("file"), "text/csv")} if "file" in more else None
    data = form(*(customers or [("", "", "Partner")]), **{"action": "fill_in", "batch_id": str(uuid4()), **more})
    return await browse().post("/accounts", data=data, files=files)


async def test_a_pasted_list_fills_rows_after_those_typed_before(browse: Browse, database: Database) -> None:
    page = await filled(
        browse, GOOD, ("", "", "Partner"), pasted="Khách Hai\thai@example.com\nba@example.com\tKhách Ba"
    )
    assert rows_of(page) == [GOOD[:2], OTHER[:2], ("ba@example.com", "Khách Ba")]
    assert "2 customers were filled in. Nothing is added yet" in page.text
    assert focused(page) == "filled"
    assert "field-error" not in page.text
    assert ">\n</textarea>" in page.text
    assert await published(database) == []


@pytest.mark.parametrize("encode", [str.encode, lambda text: text.encode("utf-16"), in_vietnamese_windows])
async def test_a_csv_file_fills_rows(browse: Browse, encode: Callable[[str], bytes]) -> None:
    text = "Địa chỉ email;Tên thường gọi;Vai trò\r\nmot@example.com;Khách Một;Đối tác\r\nhai@example.com;Khách Hai;\r\n"
    page = await filled(browse, file=encode(text))
    assert rows_of(page) == [GOOD[:2], OTHER[:2]]


async def test_each_problem_of_a_list_is_shown_at_its_row_at_once(browse: Browse) -> None:
    page = await filled(browse, pasted="mot@example.com,Một\nhai@,Hai\nba@example.com\nmot@example.com,Bốn")
    marked = re.findall(r'<small class="field-error" id="(.*?)">', page.text)
    assert marked == ["email-2-problem", "name-3-problem", "email-4-problem"]
    assert "3 rows have to be corrected before they can be added." in page.text
    assert "not added" not in page.text


@pytest.mark.parametrize(("before", "taken", "left_out"), [(0, 50, 7), (10, 40, 17), (50, 0, 57)])
async def test_the_first_fifty_are_filled_in_and_the_rest_is_counted(
    browse: Browse, database: Database, before: int, taken: int, left_out: int
) -> None:
    here = [(f"b{n}@example.com", "B", "Partner") for n in range(before)]
    page = await filled(browse, *here, pasted="\n".join(f"k{n}@example.com,K {n}" for n in range(57)))
    assert len(rows_of(page)) == MOST_ROWS
    assert f"{taken} customers were filled in" in page.text
    assert f"{left_out} customers of the list were left out" in page.text
    assert f"from this one on: <bdi>k{taken}@example.com</bdi>" in " ".join(page.text.split())
    assert await published(database) == []


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"file": b"PK\x03\x04\x14\x00\x06\x00 a workbook"}, "the file is no text"),
        ({"file": b""}, "the list is empty"),
        ({"pasted": " \n\t\n"}, "the list is empty"),
        ({"pasted": "Email,Name\n"}, "the list is empty"),
        ({}, "the list is empty"),
    ],
)
async def test_a_list_without_customers_changes_nothing_and_says_why(
    browse: Browse, sent: dict[str, Any], says: str
) -> None:
    page = await filled(browse, GOOD, **sent)
    assert rows_of(page) == [GOOD[:2]]
    assert says in page.text
    assert focused(page) == "problem"


async def test_a_list_that_was_pasted_but_not_filled_in_is_not_lost_by_adding(
    browse: Browse, database: Database
) -> None:
    page = await filled(browse, GOOD, pasted="hai@example.com,Khách Hai", action="add")
    assert rows_of(page) == [GOOD[:2], OTHER[:2]]
    assert "Nothing is added yet" in page.text
    assert await published(database) == []


async def test_an_unknown_role_of_a_list_is_shown_and_marked(browse: Browse) -> None:
    page = await filled(browse, pasted="Email,Name,Role\nmot@example.com,Một,Owner")
    assert '<option value="Owner" selected>Owner</option>' in page.text
    assert 'id="role-1-problem"' in page.text


async def test_a_form_filled_in_is_added_like_any_other(browse: Browse, database: Database) -> None:
    page = await filled(browse, pasted="mot@example.com,Khách Một\nhai@example.com,Khách Hai")
    sent = form(*((*row, "Partner") for row in rows_of(page)), batch_id=typed(page, "batch_id")[0], checked="yes")
    for _ in range(2):
        assert (await browse().post("/accounts", data=sent)).status_code == 303
    assert [one["customer_email"] for one in await published(database)] == [GOOD[0], OTHER[0]]
