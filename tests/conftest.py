"""Real servers for all tests: one PostgreSQL, one Kafka, one mailbox a session. A test that needs quiet takes a
database or a topic prefix of its own.
"""

import itertools
import os
from collections.abc import Generator, Iterator

import pytest

from embedded import Servers, servers

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("servers"), environ={}) as started:
        yield started


@pytest.fixture
def database_url(running: Servers) -> str:
    """An empty database of the test's own."""
    assert running.postgres
    return running.postgres.create_database(f"test_{os.getpid()}_{next(_numbers)}")


@pytest.fixture
def topic_prefix() -> str:
    """Topics and groups of the test's own."""
    return f"t{os.getpid()}-{next(_numbers)}."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed (CI says so by REQUIRE_ALL=1), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped under REQUIRE_ALL=1: {reason}"
    return report
