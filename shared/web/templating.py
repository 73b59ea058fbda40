"""Pages from templates. What a template prints is escaped, a name that it does not know is an error, and
every page knows its reader's language, who is signed in and the way back.

`_("English %(name)s", name=...)` and `{% trans %}` translate; a percent sign in a sentence is written `%%`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shared.events import Locale
from shared.web import formats
from shared.web.bidi import bdi, contained
from shared.web.languages import catalogue, chosen_locale, translations
from shared.web.person import form_token, signed_in
from shared.web.sentences import Translating
from shared.web.site import Site
from shared.web.static_files import static_urls

_SHARED = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class _Templates:
    """Those of one service, compiled once for all its instances in a process: tests have many."""

    environments: Mapping[Locale, Environment]
    vietnamese: Catalog


class Pages:
    """The pages of one service, whose `templates` and `locales` are in `folder`; the shared ones are there besides."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self._templates = _templates(folder)

    def answer(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        hint: Locale | None = None,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> HTMLResponse:
        """`hint` is a language known of the reader by other means than sign-in, for example by the link."""
        locale = self.locale(request, hint)
        context = self._context(request, locale) | values
        return HTMLResponse(
            self._templates.environments[locale].get_template(template).render(context),
            status,
            {"Content-Language": locale.value, **(headers or {})},
        )

    def error(
        self, request: Request, status: int, *, reason: str = "", headers: Mapping[str, str] | None = None
    ) -> HTMLResponse:
        """What happened and what to do, by status. A 403 has a `reason`: "origin", "form_token" or "role"."""
        wait = int((headers or {}).get("Retry-After", 60))
        minutes = math.ceil(wait / 60)
        return self.answer(
            request, "error.html", status=status, headers=headers, code=status, reason=reason, minutes=minutes
        )

    def locale(self, request: Request, hint: Locale | None = None) -> Locale:
        person = signed_in(request)
        return chosen_locale(request, self.site, hint or (person.locale if person else None))

    def untranslated(self) -> set[str]:
        """Sentences of the templates that have no Vietnamese: for a test that expects none."""
        environment, vietnamese = self._templates.environments[Locale.VI], self._templates.vietnamese
        assert environment.loader
        keys: set[str] = set()
        for name in environment.list_templates():
            source = environment.loader.get_source(environment, name)[0]
            for _line, _function, found in environment.extract_translations(source):  # type: ignore[attr-defined]  # by i18n
                keys.add(found[0] if isinstance(found, tuple) else found)
        return {key for key in keys if not (message := vietnamese.get(key)) or not message.string}

    def _context(self, request: Request, locale: Locale) -> dict[str, Any]:
        return {
            "locale": locale.value,
            "other_locale": (Locale.EN if locale is Locale.VI else Locale.VI).value,
            "person": signed_in(request),
            "back": self._way_back(request),
            "form_token": _hidden_field(form_token(request)),
        }

    def _way_back(self, request: Request) -> str:
        """The page to return to: this one, or the one whose form was posted."""
        if request.method not in {"GET", "HEAD"}:
            return self.site.path_of(request.headers.get("referer", ""))
        path = request.scope["path"].translate(_ESCAPED)  # it comes decoded
        query = request.scope.get("query_string", b"").decode("utf-8", "replace")
        return f"{path}?{query}" if query else path


_ESCAPED = str.maketrans({"?": "%3F", "#": "%23", "\\": "%5C"})


def _hidden_field(token: str | None) -> Markup:
    return Markup('<input type="hidden" name="form_token" value="{}">').format(token) if token else Markup()


@cache
def _templates(folder: Path) -> _Templates:
    vietnamese = catalogue([_SHARED, folder])
    return _Templates({locale: _environment(folder, locale, vietnamese) for locale in Locale}, vietnamese)


def _environment(folder: Path, locale: Locale, vietnamese: Catalog) -> Environment:
    environment = Translating(
        loader=ChoiceLoader([FileSystemLoader(folder / "templates"), FileSystemLoader(_SHARED / "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=contained,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    spoken = translations(locale, vietnamese)
    environment.gettext = spoken.gettext
    environment.install_gettext_translations(spoken, newstyle=True)  # type: ignore[attr-defined]  # by jinja2.ext.i18n
    environment.filters["moment"] = partial(formats.moment, locale=locale)
    environment.filters["vnd"] = partial(formats.vnd, locale=locale)
    environment.filters["bdi"] = bdi
    environment.filters["static_url"] = static_urls()
    for name in environment.list_templates():
        environment.get_template(name)  # compiled now: else the first readers of each page wait for it
    return environment
