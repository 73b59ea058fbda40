"""Who may use a folder, and where downloads are kept.

Two locks keep a server's folder from two servers at once. `owner.lock` belongs to the process that uses the
folder: a second one is refused at once. `running.lock` is inherited by the server's own processes: whoever
comes after a SIGKILL waits until the last of them is gone; what they left behind is then certainly stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 0.05


class FolderInUse(Exception):
    """Another process runs servers in this folder."""


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold `folder` (made if missing) for this process. Raises FolderInUse at once if another one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "owner.lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise FolderInUse(
                f"{folder} is in use by process {file.read().strip() or 'unknown'}: "
                "stop that one first, or choose another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def nothing_running(folder: Path, timeout: float = 30.0) -> Iterator[int]:
    """Wait until no server of `folder` is left, and yield the descriptor that a new one must inherit."""
    deadline = time.monotonic() + timeout
    with (folder / "running.lock").open("a", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise FolderInUse(f"a server started earlier in {folder} still runs: end it first") from None
                time.sleep(POLL_SECONDS)
        yield file.fileno()


def cache_folder() -> Path:
    """Where downloads are kept for this user, shared by every copy of this project."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "registration"
    configured = os.environ.get("XDG_CACHE_HOME")
    return (Path(configured) if configured else Path.home() / ".cache") / "registration"


def emptied(folder: Path) -> None:
    """Remove what a server kept in `folder`, once none runs there any more. The folder's lock stays."""
    if not folder.exists():
        return
    with nothing_running(folder):
        for kept in folder.iterdir():
            if kept.is_dir() and not kept.is_symlink():
                shutil.rmtree(kept)
            elif kept.name != "running.lock":
                kept.unlink()
