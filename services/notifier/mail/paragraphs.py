"""A mail's text in paragraphs, as plain text and as HTML: both say the same.

Where a value goes there is a mark: two signs that no text may hold, and the value's name between them. So a name can be
set apart from the words around it, by `<bdi>` in HTML, and what people typed is never taken for words of ours: it makes
no paragraph, and no link. What a person wrote is quoted line by line, and never speaks as the system.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from services.notifier.mail.words import ADDRESS, BUTTONS
from shared.events import Locale

NAMES = frozenset({"partner", "account", "common_name", "claimed_by"})
"""Values that people chose."""
_BEGIN, _END = "\x02", "\x03"
_MARK = re.compile(f"{_BEGIN}([^{_END}]*){_END}")


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph of ours."""

    html: Markup


@dataclass(frozen=True, slots=True)
class Quote:
    """What a person wrote."""

    lines: list[str]


@dataclass(frozen=True, slots=True)
class Button:
    address: str
    label: str
    hint: str
    """What to do where the button does not work."""


Paragraph = Words | Quote | Button


def mark(name: str) -> str:
    """Where the value of this name goes."""
    return f"{_BEGIN}{name}{_END}"


def unmarked(written: str) -> str:
    return written.replace(_BEGIN, "").replace(_END, "")


def cut(text: str) -> Sequence[str]:
    """Words, the name of a value, words, …, words."""
    return _MARK.split(text)


def quoted(written: str) -> str:
    """One paragraph, however many empty lines were written."""
    return "\n".join(f"> {line}".rstrip() for line in _lines(written))


def paragraphs(text: str, buttons: Mapping[str, str], written: Collection[str], locale: Locale) -> list[Paragraph]:
    """Of `text` with marks. `buttons` are the marks that become buttons, and what each is called in BUTTONS; `written`
    is what people wrote, which was quoted in `text`."""
    quotes = {quoted(it): it for it in written}
    return [_paragraph(it, buttons, quotes, locale) for it in text.strip().split("\n\n") if it.strip()]


def _paragraph(text: str, buttons: Mapping[str, str], quotes: Mapping[str, str], locale: Locale) -> Paragraph:
    text = text.strip("\n")
    if text in quotes:
        return Quote(_lines(quotes[text]))
    if text in buttons:
        return Button(text, BUTTONS[buttons[text]][locale], ADDRESS[locale])
    return Words(_html(" ".join(text.split())))


def _html(text: str) -> Markup:
    return Markup(_MARK.sub(lambda it: f"<bdi>{it[0]}</bdi>" if it[1] in NAMES else it[0], escape(text)))  # noqa: S704


def _lines(written: str) -> list[str]:
    return f"“{written.strip()}”".splitlines()
