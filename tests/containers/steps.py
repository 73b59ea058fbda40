"""What a campaign prints: each step with its seconds, and at the end what was found."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from commands.failures import Failed

findings: list[str] = []


@contextmanager
def step(what: str) -> Iterator[None]:
    begun = time.monotonic()
    try:
        yield
    finally:
        print(f"{time.monotonic() - begun:6.1f} s  {what}", flush=True)


def judge(campaign: Callable[[Path], None]) -> NoReturn:
    """Runs it in a folder that lasts as long. Ends this program, with status 1 where something was found."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))  # all that was started ends first
    with tempfile.TemporaryDirectory() as name:
        try:
            campaign(Path(name))
        except Failed as failed:
            cause: BaseException | None = failed
            while cause:  # what went wrong first, and what went wrong when all was taken down
                findings.extend([str(cause)] if isinstance(cause, Failed) else [])
                cause = cause.__context__
    print("\n".join(f"found: {it}" for it in findings) or "all holds")
    sys.exit(1 if findings else 0)
