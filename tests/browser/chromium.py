"""Debian's Chromium, driven by Playwright. No browser is ever downloaded.

Whatever a page does that no page of ours may do is noted by its context's `Watch`, and the test fails.
"""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, ViewportSize

# The first is the same engine without a browser's window around it: half of the work for each page.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
SETTING = "CHROMIUM"
PATIENCE = 20_000.0  # milliseconds; a busy machine is no defect of a page
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


def executable() -> str | None:
    """The path of the browser: what the setting CHROMIUM names, else the first on PATH."""
    if named := os.environ.get(SETTING):
        return named if Path(named).exists() else None
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def executable_or_skip() -> str:
    found = executable()
    if found is None:
        pytest.skip(
            "nothing was tried in a browser (journeys, accessibility, guides' pictures): no Chromium is here; "
            f"install Debian's package {NAMES[0]}, or name one by the setting {SETTING}"
        )
    return found


async def launch(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(
        executable_path=executable_or_skip(),
        # Tests run as root in containers; pictures are to be the same on every machine.
        args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"],
    )


@dataclass
class Watch:
    """What the pages of one browser did wrong: errors in the console, requests to other origins than the `allowed`."""

    allowed: frozenset[str]
    provider: str = ""
    """The sign-in service, whose pages are not ours to judge."""
    problems: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        if message.type != "error" or self._is_about_the_answer(message) or self._is_the_providers(message.page):
            return
        self.problems.append(f"console: {message.text} ({message.location.get('url')})")

    def _is_about_the_answer(self, message: ConsoleMessage) -> bool:
        """An answer that is a refusal (403, 404, 409, 422…) is what the test asked for; the test looks at it."""
        text = message.text
        return "responded with a status of 4" in text or "status of 503" in text or "Status Error Code 503" in text

    def _is_the_providers(self, page: Page | None) -> bool:
        return bool(self.provider and page and page.url.startswith(self.provider))

    def request(self, request: Request) -> None:
        if not request.is_navigation_request() and self._is_the_providers(request.frame.page):
            return
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and f"{parts.scheme}://{parts.netloc}" not in self.allowed:
            self.problems.append(f"request to another origin: {request.url}")


def watched(context: BrowserContext, *allowed: str, provider: str = "") -> Watch:
    """From now on; `allowed` and the sign-in service's `provider` are origins."""
    watching = Watch(frozenset({*allowed, provider}), provider)
    context.on("console", watching.console)
    context.on("weberror", lambda error: watching.problems.append(f"script: {error.error}"))
    context.on("request", watching.request)
    return watching


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    context = await browser.new_context(**{"viewport": WIDE, "locale": "en-US", **options})
    context.set_default_timeout(PATIENCE)
    return context
