"""A thread of this process in another network: another process's, or one of its own, which ends with it."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.containers.commands import run

CLONE_NEWNET = 0x40000000
MINE = Path("/proc/thread-self/ns/net")
libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def network_at(there: Path) -> Iterator[None]:
    """While it lasts, this thread, and what it starts, is in the network of that file."""
    with MINE.open("rb") as here, there.open("rb") as network:
        _done(libc.setns(network.fileno(), 0), "enter a network's namespace")
        try:
            yield
        finally:
            _done(libc.setns(here.fileno(), 0), "return to the network's namespace")


@contextmanager
def network_of_its_own() -> Iterator[None]:
    """The same with a new one: a loopback, no way out, and every port free."""
    with MINE.open("rb") as here:
        _done(libc.unshare(CLONE_NEWNET), "make a network's namespace")
        try:
            run(["ip", "link", "set", "lo", "up"])
            yield
        finally:
            _done(libc.setns(here.fileno(), 0), "return to the network's namespace")


def _done(status: int, what: str) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), f"cannot {what}: {os.strerror(ctypes.get_errno())}")
