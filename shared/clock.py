"""The one source of time. What asks for the time gets a `Clock`; no setting or address moves it in `serve`."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment, with its zone (UTC)."""


def system_clock() -> datetime:
    return datetime.now(UTC)
