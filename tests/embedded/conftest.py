"""One set of servers for the tests that only talk to them; tests that break servers start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import Servers, servers


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("servers"), environ={}) as started:
        yield started


@pytest.fixture
def root() -> Path:
    """The folder that `embedded` is imported from, for child Pythons."""
    return Path(__file__).parents[2]
