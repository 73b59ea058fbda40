"""Free ports of 127.0.0.1, never the same for two of our processes.

A server binds its port only a while after it was chosen, and lets go of it while it is down: whoever looks then finds
it free. So each port is a byte of one file of this user's, locked by the process that chose it for as long as it lives.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
import tempfile
import threading
from functools import cache
from pathlib import Path

# Below the ports that kernels hand to clients (Linux from 32768, macOS from 49152): a client that reconnects
# while the server is away can neither take the server's port nor connect to itself.
PORTS = range(20_000, 32_000)

_chosen: set[int] = set()  # the kernel's locks do not keep a process from itself
_choosing = threading.Lock()


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now, and which no process of ours was given."""
    with _choosing:
        for port in random.sample(PORTS, len(PORTS)):
            if port not in _chosen and _is_ours(port) and _is_free(port):
                _chosen.add(port)
                return port
    raise OSError(f"no free TCP port found from {PORTS.start} to {PORTS.stop} on 127.0.0.1")


def _is_ours(port: int) -> bool:
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port - PORTS.start)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EAGAIN}:
            return False
        raise
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@cache
def _file() -> int:
    """Open until the process ends: to close it once would let go of every port."""
    path = Path(tempfile.gettempdir()) / f"registration-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
