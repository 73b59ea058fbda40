"""Reads a list of customers as people have it: cells of a spreadsheet, a CSV file, addresses from a mail. Pure.

It guesses what stands where, never refuses a line and never raises: what it guessed wrong is seen in the form, where
every row is checked. Only what was clearly left out of the form's columns (numbers, further columns) is dropped.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from shared.searching import folded

DELIMITERS = ("\t", ";", ",")
_SAMPLE = 20_000  # characters; enough to tell how a list is divided


@dataclass(frozen=True, slots=True)
class Customer:
    """As it stands in the list; `role` is "" where none does."""

    email: str
    name: str
    role: str = ""


class _Column(Enum):
    EMAIL = auto()
    ROLE = auto()
    NAME = auto()


_HEADINGS: Mapping[_Column, frozenset[str]] = {
    _Column.EMAIL: frozenset(
        {"email", "e mail", "mail", "email address", "e mail address", "mail address", "customer email"}
        | {"customer s email", "customer s email address", "customer email address", "contact email", "account email"}
        | {"dia chi email", "dia chi e mail", "dia chi mail", "email khach hang", "email cua khach hang"}
        | {"dia chi email khach hang", "email lien he", "email tai khoan", "thu dien tu", "dia chi thu dien tu"}
    ),
    _Column.ROLE: frozenset({"role", "your role", "customer role", "vai tro", "vai tro cua ban", "vai tro doi tac"}),
    _Column.NAME: frozenset(
        {"name", "common name", "full name", "customer name", "customer", "company", "company name", "display name"}
        | {"customer s name", "customer s common name", "ten", "ten thuong goi", "ten goi", "ten khach hang"}
        | {"khach hang", "ho ten", "ho va ten", "cong ty", "ten cong ty", "ten hien thi"}
    ),
}
"""As `folded` leaves them: without accents and signs."""

LONGEST_HEADING = 100  # characters
_NAMED_SO = {"common name", "ten thuong goi"}
_ROLES = {"partner": "Partner", "doi tac": "Partner"}

_ADDRESS = re.compile(r"[^\s@<>(),;:\"]+@[^\s@<>(),;:\"]+")
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<\s*(?:mailto:)?(?P<email>[^\s<>@]*@[^\s<>]*)\s*>[\s,;]*", re.IGNORECASE)
_UNSEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Letters that are copied along from pages and mails without being seen."""


def customers(text: str) -> list[Customer]:
    """In the order of the list, as many as there are."""
    lines = _lines(text)
    columns = _columns(lines[0]) if lines else {}
    lines = lines[1 if columns else 0 :]
    if not columns:
        places = Counter(at for line in lines if (at := _address_in(line)) is not None)
        usual = places.most_common(1)[0][0] if places else 0
        return [one for line in lines for one in _guessed(line, usual)]
    return [_customer(line, columns) for line in lines]


def _lines(text: str) -> list[list[str]]:
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if said := re.match(r'"?sep=([\t;,])"?\n', text):  # Excel's own first line
        delimiter, text = said[1], text[said.end() :]
    else:
        delimiter = _delimiter(text)
    return [line for line in table(text, delimiter) if any(line)]


def _delimiter(text: str) -> str:
    """The one that leaves the most addresses standing alone; where none is seen, the one that divides the most."""
    sample = text[:_SAMPLE]
    sample = sample[: sample.rfind("\n")] if len(text) > _SAMPLE and "\n" in sample else sample

    def found(delimiter: str) -> tuple[int, int]:
        cells = [cell for line in table(sample, delimiter) for cell in line]
        addresses = sum(_mailbox(cell) is not None for cell in cells if not cell.endswith((",", ";")))
        return addresses, 0 if addresses else len(cells)

    return max(DELIMITERS, key=found)


def table(text: str, delimiter: str) -> list[list[str]]:
    """Cells without spaces around them, on one line. A cell in quotation marks may hold delimiters and line breaks; a
    mark left open is a letter like others, so that it does not swallow the rows after it."""
    no_break = f"[^{delimiter}\n]*"
    quoted = re.compile(rf' *"((?:[^"]++|"")*+)" *(?=[{delimiter}\n]|\Z)')
    plain = re.compile(rf'(?: *"[^"\n]*"(?=[^{delimiter}\n]))?{no_break}')  # "Nguyễn, An" <an@…> is one cell
    rows: list[list[str]] = [[]]
    at = 0
    while True:
        cell = quoted.match(text, at)
        if cell and not ("\n" in cell[1] and "@" in cell[1]):
            content = cell[1].replace('""', '"')
        else:
            cell = plain.match(text, at)
            assert cell  # it matches nothing too
            content = cell[0]
        rows[-1].append(" ".join(content.split()))
        at = cell.end()
        if at >= len(text):
            return rows
        if text[at] == "\n":
            rows.append([])
        at += 1


def _columns(heading: Sequence[str]) -> dict[_Column, int]:
    """Where each column stands; empty where the line is no heading."""
    words = [_words(cell) for cell in heading]
    places = {kind: [at for at, word in enumerate(words) if word in _HEADINGS[kind]] for kind in _Column}
    known = sum(map(len, places.values()))
    if any("@" in cell for cell in heading) or not (places[_Column.EMAIL] or known == sum(map(bool, heading))):
        return {}
    named = [at for at in places[_Column.NAME] if words[at] in _NAMED_SO]
    return {kind: (named if kind is _Column.NAME and named else found)[0] for kind, found in places.items() if found}


def _guessed(cells: Sequence[str], usual: int) -> Iterator[Customer]:
    """`usual` is where addresses stand in the list: what stands there is meant as one, with or without @."""
    filled = [cell for cell in cells if cell]
    mailboxes = [found for cell in filled if (found := _mailbox(cell))]
    if len(filled) == len(mailboxes):
        yield from mailboxes  # a line of nothing but addresses
    elif (at := _address_in(cells)) is not None:
        yield _customer(cells, {_Column.EMAIL: at})
    elif len(filled) > 1:
        yield _customer(cells, {_Column.EMAIL: usual})
    else:
        yield Customer("", filled[0])


def _customer(cells: Sequence[str], columns: Mapping[_Column, int]) -> Customer:
    """Of what no heading names, the first cell with letters in it is the common name."""
    email, name, role = (_cell(cells, columns.get(it)) for it in (_Column.EMAIL, _Column.NAME, _Column.ROLE))
    free = [cell for at, cell in enumerate(cells) if cell and at not in columns.values()]
    free.sort(key=lambda cell: (_words(cell) in _ROLES, not any(letter.isalpha() for letter in cell)))
    if _Column.NAME not in columns and free:
        name = free.pop(0)
    if _Column.ROLE not in columns:
        role = next((cell for cell in free if _words(cell) in _ROLES), "")
    found = _mailbox(email) or (None if name else _in_words(email)) or Customer(email, "")
    return replace(found, name=name or found.name, role=_ROLES.get(_words(role), role))


def _words(cell: str) -> str:
    """Headings and roles are short, and folding a long cell takes long."""
    return folded(cell[:LONGEST_HEADING])


def _cell(cells: Sequence[str], at: int | None) -> str:
    return cells[at] if at is not None and at < len(cells) else ""


def _address_in(cells: Sequence[str]) -> int | None:
    """The first cell that is an address, or else has one in it, or else an @."""
    for is_one in (_mailbox, _in_words, lambda cell: "@" in cell):
        for at, cell in enumerate(cells):
            if is_one(cell):
                return at
    return None


def _mailbox(cell: str) -> Customer | None:
    """`an@example.com`, `An <an@example.com>` or `"Nguyễn, An" <an@example.com>`."""
    alone = cell.strip(_UNSEEN + " ,;").removeprefix("mailto:")
    if _ADDRESS.fullmatch(alone):
        return Customer(alone, "")
    if found := _MAILBOX.fullmatch(cell.strip(_UNSEEN)):
        email, name = found["email"].strip(_UNSEEN), found["name"].strip(" \"'")
        return Customer(email, "" if name == email else name)
    return None


def _in_words(cell: str) -> Customer | None:
    """`an@example.com Nguyễn An`, and the other way round."""
    words = cell.split()
    addresses = [word for word in words if _mailbox(word)]
    if len(addresses) != 1:
        return None
    found = _mailbox(addresses[0])
    return (
        replace(found, name=" ".join(word for word in words if word != addresses[0]).strip(" -–:")) if found else None
    )
