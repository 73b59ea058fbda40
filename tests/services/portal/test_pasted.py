"""Lists of customers, as people have them, are read whatever they look like."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.pages.pasted import DELIMITERS, Customer, customers
from services.portal.pages.text_files import text_of
from tests.services.portal.lists import in_vietnamese_windows

A, B = Customer("a@example.com", "Khách A"), Customer("b@example.com", "Khách B")


def many(*found: tuple[str, str]) -> list[Customer]:
    return [Customer(*one) for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "a@example.com\tKhách A\nb@example.com\tKhách B",
        "Khách A,a@example.com\r\nKhách B,b@example.com\r\n",
        "\n a@example.com ; Khách A \n\n;;\n Khách B;b@example.com",
        "sep=;\na@example.com;Khách A\nb@example.com;Khách B",
        "Khách A <a@example.com>\nKhách B <b@example.com>",
        'Khách A <a@example.com>, "Khách B" <b@example.com>',
        "Khách A <a@example.com>; Khách B <mailto:b@example.com>;",
        "a@example.com Khách A\nKhách B - b@example.com",
        "1\ta@example.com\tKhách A\t0901\n2\tb@example.com\tKhách B\t0902",
        "STT;Tên khách hàng;Ghi chú;Địa chỉ email\n1;Khách A;x;a@example.com\n2;Khách B;y;b@example.com",
        "E-mail,Common name\na@example.com,Khách A\nb@example.com,Khách B",
        "Tên,Tên thường gọi,Thư điện tử\nx,Khách A,a@example.com\ny,Khách B,b@example.com",
        "mailto:a@example.com\tKhách A\n\u200bb@example.com\ufeff\tKhách B",
        '"a@example.com","Khách\nA"\n"b@example.com","Khách B"',
    ],
)
def test_addresses_and_names_are_found_in_every_form(text: str) -> None:
    assert customers(text) == [A, B]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a@example.com,"Công ty ""A"", B"', many(("a@example.com", 'Công ty "A", B'))),
        ("a@example.com;Công ty A, B", many(("a@example.com", "Công ty A, B"))),
        ("a@example.com,Công ty A; B", many(("a@example.com", "Công ty A; B"))),
        ("Nguyễn, An <a@example.com>", many(("a@example.com", "Nguyễn, An"))),
        ('"Nguyễn, An" <a@example.com>, b@example.com', many(("a@example.com", "Nguyễn, An"), ("b@example.com", ""))),
        ("a@example.com; b@example.com", many(("a@example.com", ""), ("b@example.com", ""))),
        ("a@example.com <a@example.com>", many(("a@example.com", ""))),
        ("chưa có email", many(("", "chưa có email"))),
        ("khach.example.com,A\nb@example.com,B", many(("khach.example.com", "A"), ("b@example.com", "B"))),
        ("a b@example.com,A", many(("a b@example.com", "A"))),
        ("a@@example.com,A", many(("a@@example.com", "A"))),
        ("Shop @ Home,a@example.com", many(("a@example.com", "Shop @ Home"))),
        ("Email;Name\n;A\nb@example.com;", many(("", "A"), ("b@example.com", ""))),
        ("Email", []),
        ("", []),
    ],
)
def test_what_is_in_doubt_is_shown_rather_than_dropped(text: str, found: list[Customer]) -> None:
    assert customers(text) == found


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("a@example.com,A,Partner", "Partner"),
        ("a@example.com,A,đối tác", "Partner"),
        ("Đối tác;A;a@example.com", "Partner"),
        ("Email,Name,Role\na@example.com,A,Owner", "Owner"),
        ("a@example.com,A,Hà Nội", ""),  # a third column may hold anything
        ("a@example.com,A", ""),
    ],
)
def test_a_role_is_read_where_one_stands(text: str, role: str) -> None:
    assert customers(text) == [Customer("a@example.com", "A", role)]


@pytest.mark.parametrize("second", ['b@example.com,"B"', 'b@example.com,B"', '"b@example.com",B'])
def test_a_quotation_mark_left_open_does_not_swallow_the_rows_after_it(second: str) -> None:
    found = customers(f'a@example.com,"Mở\n{second}\nc@example.com,C')
    assert [one.email for one in found] == ["a@example.com", "b@example.com", "c@example.com"]


@given(st.text() | st.text(alphabet='a@.,;\t\n\r"<> =', max_size=60))
def test_nothing_that_is_pasted_breaks_the_reader(text: str) -> None:
    for one in customers(text):
        assert one.email or one.name or one.role
        assert "\n" not in f"{one.email}{one.name}{one.role}"


words = st.text(alphabet="abcđêơưÁắỹ019&'()-.,;\"/", min_size=1, max_size=12)
names = st.lists(words, min_size=1, max_size=4).map(" ".join).filter(lambda name: any(map(str.isalpha, name)))
addresses = st.from_regex(r"[a-z0-9._+-]{1,12}@[a-z0-9-]{1,12}\.[a-z]{2,4}", fullmatch=True)
found = st.lists(st.builds(Customer, addresses, names), min_size=1, max_size=70)


@given(
    found,
    st.sampled_from(DELIMITERS),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([None, ("Email address", "Common name"), ("Thư điện tử", "TÊN KHÁCH HÀNG")]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([str.encode, lambda text: text.encode("utf-8-sig"), lambda text: text.encode("utf-16")]),
)
def test_no_cell_of_a_list_that_a_program_wrote_is_lost(
    listed: list[Customer],
    delimiter: str,
    quoting: int,
    heading: tuple[str, str] | None,
    name_first: bool,
    ends: str,
    encode: Callable[[str], bytes],
) -> None:
    lines = [heading] if heading else []
    lines += [(one.email, one.name) for one in listed]
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=ends)  # type: ignore[arg-type]
    writer.writerows(line[::-1] if name_first else line for line in lines)
    text = text_of(encode(file.getvalue()))
    assert text is not None
    assert customers(text) == listed


@pytest.mark.parametrize("text", ["Nguyễn Thị Ngọc Ánh", "Công ty TNHH Đất Việt", "Sơn", "Đường số 5, Quận Bình Thạnh"])
def test_vietnamese_saved_by_an_old_excel_is_read(text: str) -> None:
    assert text_of(in_vietnamese_windows(text)) == text


@pytest.mark.parametrize("text", ["Nicolò Müller", "Café “Société”", "plain"])
def test_western_names_saved_by_an_old_excel_are_read(text: str) -> None:
    assert text_of(text.encode("cp1252")) == text


@given(st.binary() | st.binary().map(b"\xff\xfe".__add__))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    text = text_of(data)
    if text is not None:
        customers(text)


@pytest.mark.timeout(15)
@pytest.mark.parametrize("piece", ['"', '"a@\n', "a@", "<", "@", "a@x,", '""', "x\n", "a@example.com,A\n"])
@pytest.mark.parametrize("before", ["", "<", "a"])
def test_a_long_list_is_read_in_time(before: str, piece: str) -> None:
    """A body holds a million bytes at most. What takes time for each earlier letter would take minutes for a tenth of
    that, and pytest ends it."""
    customers(before + piece * (100_000 // len(piece)))


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0483\u1dfa", "\u0591\u05b0"])
def test_a_pile_of_marks_over_one_letter_is_read_in_time(marks: str) -> None:
    piled = "a" + marks * 150_000
    assert text_of(piled.encode()) == piled
    assert [it.name for it in customers(f"an@example.com,{piled}")] == [piled]
