"""Words of names and addresses as they are searched: without accents, so that "nguyen" finds "Nguyễn". Pure.

PostgreSQL keeps them as a `tsvector` and finds words, and beginnings of words, by its index.
"""

import unicodedata

LONGEST_WORD = 100
MOST_WORDS = 10
_BEGINNING = ":*"
FEW_WAITING = {"fastupdate": True, "gin_pending_list_limit": 128}  # kB
"""How the index of words is kept: what is new waits in a list and is sorted in by the hundred, which costs writers a
good part less than one by one. A search reads that list through; PostgreSQL's own limit, 4 MB, would take it long."""


def folded(*texts: str | None) -> str:
    """The words of `texts` in lower case, without accents and signs, separated by one space."""
    plain = _plain(_plain(" ".join(text for text in texts if text)))  # some letters have capitals in them: 𝕊
    return " ".join([word[:LONGEST_WORD] for word in plain.translate(_BECOMES).split()])


class _Becomes(dict[int, str | None]):
    """What is kept of each letter, for `str.translate`: those of our languages are looked up, others worked out."""

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        return None if unicodedata.combining(letter) else letter if letter.isalnum() else " "


_ACCENTS_END = 0x370  # Latin letters, and the accents that are taken off them
_BECOMES = _Becomes((code, _Becomes()[code]) for code in range(_ACCENTS_END))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text.casefold()).replace("đ", "d")


def query(typed: str, mark: str = "") -> str | None:
    """A `tsquery` for rows that have every word typed, and one that begins with the last: it may still be being typed.
    None where no word was typed.

    `mark` is letters and digits that stand before each word as it is kept. Only the last word is matched by its
    beginning: PostgreSQL's index skips through the rows of whole words, and reads all of a common beginning.
    """
    words = folded(typed).split()[:MOST_WORDS]
    return " & ".join(f"'{mark}{word}'" for word in words) + _BEGINNING if words else None


def whole_words(query: str) -> str:
    """The same with the last word whole: finds some of the rows, in a third of the time where they are very many."""
    return query.removesuffix(_BEGINNING)
