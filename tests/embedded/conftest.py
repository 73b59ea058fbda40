"""Tests that only talk to servers use the session's; tests that break servers start their own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def root() -> Path:
    """The folder that `embedded` is imported from, for child Pythons."""
    return Path(__file__).parents[2]
