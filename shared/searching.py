"""Words of names and addresses as they are searched: without accents, so that "nguyen" finds "Nguyễn". Pure.

PostgreSQL keeps them as a `tsvector` and finds the beginning of any word by its index.
"""

import unicodedata

LONGEST_WORD = 100
MOST_WORDS = 10


def folded(*texts: str | None) -> str:
    """The words of `texts` in lower case, without accents and signs, each once separated by one space."""
    plain = unicodedata.normalize("NFKD", " ".join(text for text in texts if text).casefold()).replace("đ", "d")
    letters = (letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(word[:LONGEST_WORD] for word in "".join(letters).split())


def query(typed: str) -> str | None:
    """A `tsquery` for rows that have, for each word typed, a word that begins with it; None where no word was typed."""
    words = folded(typed).split()[:MOST_WORDS]
    return " & ".join(f"'{word}':*" for word in words) or None
