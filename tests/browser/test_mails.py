"""Mails as a mail program shows them: readable on a phone, in the dark and by a screen reader, and loading nothing."""

from pathlib import Path

from playwright.async_api import Browser

from services.notifier.domain import MailKind
from shared.events import Locale
from tests.browser import chromium, looks
from tests.browser.test_html import validate
from tests.domain.test_mail_rendering import part, read, render

# What a mail is shown on has no colour in its HTML; axe would take it for white in the dark too.
GROUND = "html { background-color: Canvas }"

# Mail programs are no browsers; what the validator says of these is right for the web and wrong for them.
FOR_MAIL_PROGRAMS = (
    "attribute on the “table” element is obsolete",  # Outlook reads no other
    "“bgcolor” attribute on the “td” element is obsolete",
    "“mso-hide”",  # Outlook's own
    "“supported-color-schemes”",  # Apple Mail's own
    "The value “break-word” is deprecated",  # Gmail knows no other
    "“color-scheme”: Property “color-scheme” doesn't exist",  # it does since 2020 (CSS Color Adjustment 1)
)


def html_of(kind: MailKind, locale: Locale) -> str:
    return part(read(render(kind, locale=locale, requester_locale=locale)), "html")


async def test_no_mail_has_anything_for_axe_to_find_nor_to_scroll_sideways_for(browser: Browser) -> None:
    context = await chromium.new_context(browser, viewport=chromium.PHONE, java_script_enabled=True)
    watch = chromium.watched(context)
    page = await context.new_page()
    problems = []
    for kind in MailKind:
        for locale in Locale:
            await page.goto("about:blank")
            await page.set_content(html_of(kind, locale))
            await page.add_style_tag(content=GROUND)
            # A mail is no page of a site: landmarks and the like are the mail program's.
            found = await looks.too_wide(page) + await looks.axe(page, tags=looks.WCAG)
            await page.emulate_media(color_scheme="dark")
            found += [f"dark: {line}" for line in await looks.axe(page, looks.COLOURS)]
            await page.emulate_media(color_scheme="light")
            problems += [f"{kind}.{locale}: {line}" for line in found]
    await context.close()
    problems += watch.problems
    assert not problems, "\n" + "\n".join(problems)


def test_the_html_of_every_mail_validates(tmp_path: Path) -> None:
    for kind in MailKind:
        for locale in Locale:
            (tmp_path / f"{kind}.{locale}.html").write_text(html_of(kind, locale), encoding="utf-8")
    problems = validate(tmp_path, FOR_MAIL_PROGRAMS)
    assert not problems, "\n" + "\n".join(problems)
