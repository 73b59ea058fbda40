"""What a partner typed into "Add a customer account", and what its buttons make of the rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from starlette.datastructures import FormData

from services.portal.pages.lookalikes import beyond_ascii, foreign_letters
from services.portal.pages.pasted import Customer, customers
from services.portal.pages.text_files import text_of
from services.portal.pages.typed import readable
from shared.events import Locale
from shared.web.languages import known_locale

MOST_ROWS = 50
FIELDS = ("customer_email", "common_name", "role")


class Problem(StrEnum):
    """What is wrong with one field. The template says it in the reader's language."""

    EMAIL_MISSING = "email_missing"
    EMAIL_INVALID = "email_invalid"
    EMAIL_TWICE = "email_twice"
    NAME_MISSING = "name_missing"
    NAME_TOO_LONG = "name_too_long"
    NAME_NOT_TEXT = "name_not_text"
    ROLE_UNKNOWN = "role_unknown"


class FormProblem(StrEnum):
    """Nothing of the form is taken."""

    NO_ROWS = "no_rows"
    TOO_MANY_ROWS = "too_many_rows"
    OUT_OF_DATE = "out_of_date"


class ListProblem(StrEnum):
    """Nothing of a list is taken."""

    NO_TEXT = "no_text"
    NO_CUSTOMERS = "no_customers"


@dataclass(frozen=True, slots=True)
class Row:
    """One customer as typed. `problems` are by field."""

    customer_email: str = ""
    common_name: str = ""
    role: str = "Partner"
    problems: tuple[tuple[str, Problem], ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.customer_email.strip() or self.common_name.strip())

    @property
    def odd_in_email(self) -> str:
        return beyond_ascii(self.customer_email)

    @property
    def odd_in_name(self) -> str:
        return foreign_letters(self.common_name)


class Wish(StrEnum):
    """The button that sent the form."""

    ADD = "add"
    ADD_ROW = "add_row"
    REMOVE_ROW = "remove_row"
    FILL_IN = "fill_in"
    TRANSLATE = "translate"


_REMOVE = re.compile(r"remove_(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Form:
    """`batch_id` is "" where none was sent: then there is nothing that the form could be a repetition of. `removed` is
    the number of a row, as people count. `language` is the one that the form is wanted in from now on. `pasted` is
    text, `file` the content of one. Once `checked`, a form is checked by every button, so that no mark on a row is
    lost."""

    batch_id: str
    rows: tuple[Row, ...]
    wish: Wish = Wish.ADD
    removed: int = 0
    language: Locale | None = None
    checked: bool = False
    pasted: str = ""
    file: bytes = b""

    @property
    def filled(self) -> list[Row]:
        return [row for row in self.rows if not row.is_empty]

    @property
    def has_list(self) -> bool:
        return bool(self.pasted.strip() or self.file)

    def with_one_more_row(self) -> tuple[Row, ...]:
        return (*self.rows, Row()) if len(self.rows) < MOST_ROWS else self.rows

    def without_removed(self) -> tuple[Row, ...]:
        left = tuple(row for number, row in enumerate(self.rows, start=1) if number != self.removed)
        return left or (Row(),)

    def problem(self) -> FormProblem | None:
        if not self.filled:
            return FormProblem.NO_ROWS
        return FormProblem.TOO_MANY_ROWS if len(self.filled) > MOST_ROWS else None


async def read(form: FormData) -> Form:
    columns = [[_text(value) for value in form.getlist(name)] for name in FIELDS]
    rows = (Row(email, name, role or "Partner") for email, name, role in zip_longest(*columns, fillvalue=""))
    pasted, file = _text(form.get("pasted")), form.get("list")
    content = b"" if file is None or isinstance(file, str) else await file.read()
    action = _text(form.get("action"))
    remove = _REMOVE.fullmatch(action)
    wish = Wish.REMOVE_ROW if remove else Wish(action) if action in {*Wish} else Wish.ADD
    language = known_locale(form.get("language"))
    if language:
        wish = Wish.TRANSLATE
    if (wish is Wish.ADD and pasted.strip()) or (wish in {Wish.ADD, Wish.TRANSLATE} and content):
        wish = Wish.FILL_IN  # else what was pasted, or the file, would be lost without a word
    return Form(
        batch_id=_text(form.get("batch_id")).strip(),
        rows=tuple(rows),
        wish=wish,
        removed=int(remove[1]) if remove else 0,
        language=language,
        checked=bool(form.get("checked")),
        pasted=pasted,
        file=content,
    )


def _text(value: object) -> str:
    return readable(value) if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a list did to the rows; `left_out` are its customers for whom there was no room."""

    rows: tuple[Row, ...]
    count: int = 0
    left_out: Sequence[Customer] = ()


def fill(form: Form) -> Filled | ListProblem:
    """Rows typed before stand first, and those left empty are gone."""
    text = text_of(form.file) if form.file else ""
    if text is None:
        return ListProblem.NO_TEXT
    found = [*customers(form.pasted), *customers(readable(text))]
    if not found:
        return ListProblem.NO_CUSTOMERS
    room = max(0, MOST_ROWS - len(form.filled))
    new = [Row(it.email, it.name, it.role or "Partner") for it in found[:room]]
    return Filled((*form.filled, *new), len(new), found[room:])
