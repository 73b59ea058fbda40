"""Vietnamese and English. The language of an answer is the one that the reader chose (cookie), else the one
known of the reader (OpenID `locale`, or the link's), else Accept-Language, else Vietnamese.

English sentences in templates are the keys. `catalogue` is the only place that knows where translations come
from.
"""

from collections.abc import Mapping
from gettext import NullTranslations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shared.events import Locale
from shared.web.site import Site, same_site_path

_A_YEAR = 365 * 24 * 60 * 60


class Catalogue(NullTranslations):
    """Vietnamese has no plural form: the key of a counted sentence is its singular."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        super().__init__()
        self._messages = messages

    def gettext(self, message: str) -> str:
        return self._messages.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._messages.get(msgid1) or super().ngettext(msgid1, msgid2, n)


def catalogue(locale: Locale, vietnamese: Mapping[str, str]) -> Catalogue:
    return Catalogue(vietnamese if locale is Locale.VI else {})


def known_locale(tag: object) -> Locale | None:
    """Known by its first part ("vi-VN", "en_US"); None for any other language."""
    first = tag.replace("_", "-").split("-")[0].lower() if isinstance(tag, str) else ""
    return Locale(first) if first in {*Locale} else None


def chosen_locale(request: Request, site: Site, hint: Locale | None) -> Locale:
    """`hint` is what is known of the reader."""
    return (
        known_locale(request.cookies.get(site.cookie_name("language")))
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
            name = site.cookie_name("language")
            answer.set_cookie(name, language.value, max_age=_A_YEAR, **site.cookie_flags)
        return answer

    return Route("/language", choose_language, methods=["POST"])
