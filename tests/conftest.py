"""Real servers for all tests: one PostgreSQL, one Kafka, one mailbox a session. A test that needs quiet takes a
database or a topic prefix of its own.
"""

import asyncio
import gc
import itertools
import os
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from xdist.remote import Producer

from embedded import Servers, servers
from embedded.postgres import Postgres, postgres
from tests.databases import Databases
from tests.distribution import GroupScheduling

_numbers = itertools.count(1)


LONGEST = (
    "tests/browser/",
    "tests/deploy/",
    "tests/torture/",
    "tests/faults/",
    "tests/commands/test_demo.py",
    "tests/integration/",
    "tests/restore/",
    "tests/lifecycle/",
    "tests/embedded/",
)
"""Those that take longest, first: in several processes the last one would keep the others waiting."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and tests are no garbage: the collector would look through them again and again, in each process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next((n for n, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("postgres"), disposable=True) as server:
        yield server


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[Servers]:
    environ = {"DATABASE_URL": postgres_server.url}
    with servers(tmp_path_factory.mktemp("servers"), environ=environ, disposable=True) as started:
        yield started


@pytest.fixture(scope="session")
def databases(postgres_server: Postgres) -> Databases:
    made = Databases(postgres_server)
    asyncio.run(made.make_template())
    return made


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A database of the test's own with the tables of all services."""
    url = await databases.migrated()
    yield url
    await databases.give_back(url)


@pytest.fixture
async def empty_database_url(databases: Databases) -> str:
    """An empty database of the test's own."""
    return await databases.empty()


@pytest.fixture
def topic_prefix() -> str:
    """Topics and groups of the test's own."""
    return f"t{os.getpid()}-{next(_numbers)}."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed (CI says so by REQUIRE_ALL=1), a skipped test is a failed one, unless its mark says
    why CI may do without."""
    report = yield
    required = item.get_closest_marker("not_required_by_ci") is None
    if report.skipped and required and os.environ.get("REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped under REQUIRE_ALL=1: {reason}"
    return report
