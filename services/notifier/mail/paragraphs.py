"""A mail's text in paragraphs, as plain text and as HTML: both say the same.

Names are marked while a template is filled in, with signs that no name may hold, so that they can be set apart from the
words around them afterwards: by `<bdi>` in HTML, and by characters in text where the name needs it. What a person wrote
is quoted line by line, and never speaks as the system.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from services.notifier.mail.words import ADDRESS, BUTTONS
from shared.events import Locale
from shared.web.bidi import bdi, isolated

_BEGIN, _END = "\x02", "\x03"
_MARKED = re.compile(f"{_BEGIN}([^{_END}]*){_END}")


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


def marked(name: str) -> str:
    """On one line, whatever it holds."""
    return f"{_BEGIN}{' '.join(name.replace(_BEGIN, '').replace(_END, '').splitlines())}{_END}"


def quoted(written: str) -> str:
    """One paragraph, however many empty lines were written."""
    return "\n".join(f"> {line}".rstrip() for line in _lines(written))


def plain(text: str) -> str:
    return _MARKED.sub(lambda name: isolated(name[1]), text)


def paragraphs(text: str, links: Mapping[str, str], written: Collection[str], locale: Locale) -> list[Paragraph]:
    """Of `text` with marked names. `links` are the addresses that become buttons, and what each is called in BUTTONS;
    `written` is what people wrote, which was quoted in `text`. What people typed becomes no link."""
    quotes = {quoted(it): it for it in written}
    return [_paragraph(it, links, quotes, locale) for it in text.strip().split("\n\n") if it.strip()]


def _paragraph(text: str, links: Mapping[str, str], quotes: Mapping[str, str], locale: Locale) -> Paragraph:
    text = text.strip("\n")
    if text in quotes:
        return Quote(_lines(quotes[text]))
    if text in links:
        return Button(text, BUTTONS[links[text]][locale], ADDRESS[locale])
    return Words(_html(" ".join(text.split())))


def _html(text: str) -> Markup:
    pieces = _MARKED.split(text)  # words, name, words, name, words
    return Markup().join(bdi(it) if number % 2 else escape(it) for number, it in enumerate(pieces))


def _lines(written: str) -> list[str]:
    return f"“{written.strip()}”".splitlines()
