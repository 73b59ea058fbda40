"""A real browser at real pages. All tests here share one event loop, one browser and one world of servers: starting
them is what costs."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from embedded import Servers
from shared.events import Locale
from tests.browser import chromium, looks
from tests.browser.gallery import Gallery, gallery
from tests.browser.machine import Machine, Visitors, machine
from tests.databases import Databases

expect.set_options(timeout=chromium.PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium.executable_or_skip()
    async with async_playwright() as playwright:
        launched = await chromium.launch(playwright)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rooms(databases: Databases) -> AsyncIterator[Gallery]:
    """A module's own. Not alive while other modules start servers: between tests the loop stands still, and with it the
    services in it, until what they wait for has timed out."""
    async with gallery(databases) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def eyes(browser: Browser, rooms: Gallery) -> AsyncIterator[dict[Locale, looks.Eye]]:
    """One for each language, side by side."""
    contexts = {locale: await chromium.new_context(browser) for locale in Locale}
    yield {locale: await looks.open_eye(context, rooms, locale) for locale, context in contexts.items()}
    for context in contexts.values():
        await context.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="machine")
async def running_machine(
    browser: Browser, running: Servers, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Machine]:
    async with machine(running, await databases.migrated(), tmp_path_factory.mktemp("services")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(machine: Machine, browser: Browser) -> AsyncIterator[Visitors]:
    came = Visitors(machine, browser)
    yield came
    problems = await came.leave()
    assert not problems, "\n".join(problems)
