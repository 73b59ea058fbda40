"""What processes have used: CPU time of a process and all that it started, and the most memory it ever held. Linux."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Of `pid` and its descendants, those that have ended and were waited for too."""
    children = _children()
    ticks = 0
    for one in _with_descendants(pid, children):
        fields = _stat(one)
        if fields:
            ticks += sum(int(it) for it in fields[11:15])  # user, system, and both of children that have ended
    return ticks / _TICKS


def peak_mb(pid: int) -> float:
    """The most that `pid` itself ever held, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def _with_descendants(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children[pid]:
        yield from _with_descendants(child, children)


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            found[int(fields[1])].append(int(folder.name))
    return found


def _stat(pid: int) -> list[str]:
    """The fields behind the name: state, parent, …; none where the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
