"""Vietnamese and English. The language of an answer is the one that the reader chose (cookie), else the one
known of the reader (OpenID `locale`, or the link's), else Accept-Language, else Vietnamese.

English sentences in templates are the keys. Their Vietnamese is in the `locales` folders beside the templates, in
gettext's own form; `make messages` brings these files up to date with the templates.
"""

from collections.abc import Iterable
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shared.events import Locale
from shared.web.site import Site, same_site_path

_A_YEAR = 365 * 24 * 60 * 60
_JUST_CHOSEN = "language"


def catalogue(folders: Iterable[Path]) -> Catalog:
    """The Vietnamese in the `locales` folders of `folders`; of two for one sentence, the later holds."""
    joined = Catalog(Locale.VI.value)
    for folder in folders:
        path = folder / "locales" / Locale.VI.value / "LC_MESSAGES" / "messages.po"
        if path.exists():
            for message in _read(path):
                joined[message.id] = message
    return joined


@cache
def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, Locale.VI.value)


def translations(locale: Locale, vietnamese: Catalog) -> NullTranslations:
    if locale is not Locale.VI:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, vietnamese)
    compiled.seek(0)
    return Translations(compiled)


def known_locale(tag: object) -> Locale | None:
    """Known by its first part ("vi-VN", "en_US"); None for any other language."""
    first = tag.replace("_", "-").split("-")[0].lower() if isinstance(tag, str) else ""
    return Locale(first) if first in {*Locale} else None


def chosen_locale(request: Request, site: Site, hint: Locale | None) -> Locale:
    """`hint` is what is known of the reader."""
    return (
        request.scope.get(_JUST_CHOSEN)
        or known_locale(request.cookies.get(site.cookie_name("language")))
        or hint
        or _accepted(request.headers.get("accept-language", ""))
        or Locale.VI
    )


def _accepted(header: str) -> Locale | None:
    wanted: list[tuple[float, Locale]] = []
    for part in header.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        locale = known_locale(tag.strip())
        if locale and weight > 0:
            wanted.append((weight, locale))
    return max(wanted, key=lambda one: one[0])[1] if wanted else None


def language_route(site: Site) -> Route:
    """`POST /language`, fields `language` and `back`: the choice is kept in the reader's browser only."""

    async def choose_language(request: Request) -> Response:
        async with request.form() as form:
            language, back = known_locale(form.get("language")), form.get("back")
        answer = RedirectResponse(same_site_path(back) if isinstance(back, str) else "/", 303)
        if language:
            remember_choice(answer, site, language)
        return answer

    return Route("/language", choose_language, methods=["POST"])


def choose(request: Request, language: Locale) -> None:
    """For the answer to this request, whose form named it; `remember_choice` for those that follow."""
    request.scope[_JUST_CHOSEN] = language


def remember_choice(answer: Response, site: Site, language: Locale) -> None:
    answer.set_cookie(site.cookie_name("language"), language.value, max_age=_A_YEAR, **site.cookie_flags)
