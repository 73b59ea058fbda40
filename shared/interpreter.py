"""How Python runs a service: what a loop of thousands of events a second asks of it."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

YOUNG = 50_000
"""Objects made until the collector looks at the young ones: about a batch's. By default it is 700, and a batch of a
thousand events was looked through a hundred times."""


def load_quickly() -> None:
    """Until `run`. Modules are no garbage: the collector would look through them again and again."""
    gc.disable()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Until `main` ends. What was made before stays for good, and the collector does not look at it any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
    gc.enable()
    asyncio.run(main)
