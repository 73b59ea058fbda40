"""A name keeps its direction to itself: nothing in it turns the words around it. Pure.

`<bdi>` alone does not do it: browsers treat its edges as the very characters that a name may hold, and one PDI more in
the name ends it early.
"""

import re
import unicodedata

from markupsafe import Markup, escape

_FIRST_STRONG, _POP = "\u2068", "\u2069"
_ISOLATES = re.compile("[\u2066-\u2069]")
_BEGINNINGS = frozenset("\u2066\u2067\u2068")
_TURNING = frozenset({"R", "AL", "AN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""The bidirectional classes of letters and signs that are not written from left to right, or change how others are."""


def balanced(name: str) -> str:
    """`name` without ends of isolates that it did not begin, and with those that it left open ended."""
    kept, depth = [], 0
    for letter in name:
        if letter == _POP and depth == 0:
            continue
        depth += (letter in _BEGINNINGS) - (letter == _POP)
        kept.append(letter)
    return "".join(kept) + _POP * depth


def contained(value: object) -> object:
    """What a template prints, so that the end of a `<bdi>` around it is where the template ends it."""
    return balanced(value) if type(value) is str and _ISOLATES.search(value) else value


def isolated(name: str) -> str:
    """For text without markup; a name that could turn nothing stays as it is."""
    if not any(unicodedata.bidirectional(letter) in _TURNING for letter in name):
        return name
    return f"{_FIRST_STRONG}{balanced(name)}{_POP}"


def bdi(name: object) -> Markup:
    """For HTML; in templates it is a filter."""
    return Markup(f"<bdi>{escape(contained(name))}</bdi>")  # noqa: S704
