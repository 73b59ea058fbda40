"""What mails of one kind have in common, prepared once: subject, text and HTML, cut where a mail's own values go.

A template is filled in with marks in place of names, addresses and moments. Its first line is the subject. The HTML is
made of the text's paragraphs, so both say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.notifier.domain import MailKind
from services.notifier.mail.paragraphs import Paragraph, Words, cut, mark, paragraphs, quoted, unmarked
from services.notifier.mail.words import BUTTONS, duration
from services.notifier.mails import TO_CUSTOMER, TO_STAFF
from shared.events import Locale

TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"
MOMENTS = frozenset({"due", "valid_until"})
"""Values that read differently in each language."""
LINE = "─" * 20
"""Between two languages in one text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """All that decides which words a mail has. `given`: the names of its own values. What people wrote (`reasons`,
    unless they are codes, and `refusal`) is among the words: it is quoted, in paragraphs of its own."""

    kind: MailKind
    locales: tuple[Locale, ...]
    given: frozenset[str]
    outcome: str | None = None
    reasons: tuple[str, ...] = ()
    refusal: str | None = None

    @property
    def written(self) -> list[str]:
        return [*self.reasons, *filter(None, [self.refusal])]


@dataclass(frozen=True, slots=True)
class Form:
    """Each is words, the name of a value, words, …, words; `filled` puts the values in. HTML's values are escaped, and
    one more of them is the subject."""

    subject: Sequence[str]
    text: Sequence[str]
    html: Sequence[str]


def filled(pieces: Sequence[str], values: Mapping[str, str]) -> str:
    """Raises KeyError where a value is missing."""
    return "".join([values[it] if number % 2 else it for number, it in enumerate(pieces)])


def name_in(locale: Locale, moment: str) -> str:
    """Of one of MOMENTS, in one language."""
    return f"{moment}.{locale}"


@dataclass(frozen=True, slots=True)
class _Part:
    """One message in one language."""

    locale: Locale
    subject: str
    text: str
    paragraphs: list[Paragraph]


class Forms:
    """`valid_for`: how long a confirmation link works."""

    def __init__(self, valid_for: timedelta) -> None:
        self._valid_for = valid_for
        self._texts = _environment(autoescape=False)
        self._texts.globals["quoted"] = quoted
        self._layout = _environment(autoescape=True).get_template("layout.html")
        self._prepared: dict[Shape, Form] = {}

    def of(self, shape: Shape) -> Form:
        """Raises jinja2's UndefinedError where a template asks for what is not given."""
        if shape.written:  # somebody's own words: of no use to another mail, and not to be kept
            return self._prepare(shape)
        form = self._prepared.get(shape)
        if form is None:
            form = self._prepared[shape] = self._prepare(shape)
        return form

    def _prepare(self, shape: Shape) -> Form:
        refusal = unmarked(shape.refusal) if shape.refusal else None
        shape = replace(shape, reasons=tuple(map(unmarked, shape.reasons)), refusal=refusal)
        parts = [self._part(shape, locale) for locale in shape.locales]
        text = f"{LINE}\n\n".join(f"{part.text}\n" for part in parts).rstrip("\n") + "\n"
        html = self._layout.render(subject=mark("subject"), parts=parts, preheader=_preheader(parts[0]))
        return Form(cut(" / ".join(part.subject for part in parts)), cut(text), cut(html))

    def _part(self, shape: Shape, locale: Locale) -> _Part:
        marks = {name: mark(name_in(locale, name) if name in MOMENTS else name) for name in shape.given}
        filled_in = self._texts.get_template(f"{shape.kind}.{locale}.txt").render(self._words(shape, locale) | marks)
        subject, _, text = filled_in.partition("\n")
        buttons = {marks[name]: name for name in BUTTONS if name in marks}
        return _Part(
            locale, " ".join(subject.split()), text.strip() + "\n", paragraphs(text, buttons, shape.written, locale)
        )

    def _words(self, shape: Shape, locale: Locale) -> dict[str, Any]:
        """What a template is told beside the marks. How a registration ended, and why, is for its partner."""
        if shape.kind in TO_STAFF:
            return {"claimed_by": None}
        if shape.kind in TO_CUSTOMER:
            return {"valid_for": duration(self._valid_for, locale)}
        return {"outcome": shape.outcome, "reasons": shape.reasons, "refusal": shape.refusal}


def _environment(*, autoescape: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,  # noqa: S701  # off for texts: the HTML that is made of them escapes
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _preheader(part: _Part) -> Markup:
    """What a list of mails shows beside the subject: what is said after the greeting."""
    return next(it.html for it in part.paragraphs[1:] if isinstance(it, Words))
