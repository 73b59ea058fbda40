"""Runs one command as a child that cannot outlive the process that asked for it.

Started as a plain file (`python -I -S guard.py SIGNAL GRACE IDENTITY COMMAND...`), so that it is up in 20 ms.

- stdin is a pipe held by the owner alone. At its end of file (the owner closed it, or died, by SIGKILL too)
  the command gets SIGNAL and, GRACE seconds later, SIGKILL. The byte `K` means SIGKILL now.
- stdout gets one line, the command's pid. The command writes to the guard's stderr and reads nothing.
- The command has a session of its own: Ctrl-C on the terminal reaches only the owner, which stops in order.
- The guard ends as the command did, after the command's own descendants are gone.
- On Linux the command also dies when the guard itself is killed.

IDENTITY is `same`, `namespace` (uid 1000 of a new user namespace, which is root outside) or `UID:GID`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWUSER = 0x10000000
ON_LINUX = sys.platform == "linux"
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def set_process_option(option: int, value: int) -> None:
    if ON_LINUX and ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def enter_user_namespace() -> None:
    """Become uid 1000 in a namespace where that is who we were: files keep their owner."""
    uid, gid = os.geteuid(), os.getegid()
    if not ON_LINUX or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "this kernel refuses a user namespace")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"1000 {uid} 1")
    write("/proc/self/gid_map", f"1000 {gid} 1")


def take_identity(identity: str) -> None:
    if identity == "namespace":
        enter_user_namespace()
    elif identity != "same":
        uid, gid = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def become(command: list[str], identity: str, guard: int) -> None:
    os.setsid()
    take_identity(identity)
    set_process_option(PR_SET_PDEATHSIG, signal.SIGKILL)  # after the identity: changing that clears it
    if os.getppid() != guard:
        return  # the guard died before the option was set
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and an exec keeps what is ignored
    os.execvp(command[0], command)


def start(command: list[str], identity: str) -> int:
    """Fork and run. Stops are held back until the child has no handlers of the guard: they would eat them."""
    guard = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    child = os.fork()
    if child == 0:
        try:
            for number in STOPS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
            become(command, identity, guard)
        except (OSError, ValueError) as error:
            os.write(2, f"cannot run {command[0]}: {error}\n".encode())
        finally:
            os._exit(127)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    return child


def send(child: int, number: int) -> None:
    """Signal the child's whole process group; the child alone while it has not made its group yet."""
    try:
        os.killpg(child, number)
    except (ProcessLookupError, PermissionError):  # macOS says the second of a group of zombies
        os.kill(child, number)


def reaped(child: int) -> int | None:
    """The child's exit status once it has ended. Collects adopted orphans on the way."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return status
        if pid == 0:
            return None


def supervise(child: int, stop_signal: int, grace: float, wakeup: int) -> int:
    watched, deadline = [0, wakeup], None
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(watched, [], [], left)
        received = os.read(wakeup, 512) if wakeup in ready else b""
        status = reaped(child)
        if status is not None:
            return status
        order = os.read(0, 1) if 0 in ready else None
        asked = order == b"" or bool(set(received) - {signal.SIGCHLD})
        if order == b"":
            watched = [wakeup]
        if order == b"K" or (deadline is not None and time.monotonic() >= deadline):
            send(child, signal.SIGKILL)
            deadline = None
        elif asked and deadline is None:
            send(child, stop_signal)
            deadline = time.monotonic() + grace


def adopted() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def end_descendants(child: int, adopts: bool) -> None:
    """Kill what the child left behind: its group, and on Linux also those that had left the group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    while adopts:
        for pid in adopted():
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # SIGKILL has no handler to restore
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def main() -> None:
    stop_signal, grace, identity, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4:]
    adopts = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    if adopts:
        set_process_option(PR_SET_CHILD_SUBREAPER, 1)
    wakeup, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written)
    for number in (signal.SIGCHLD, *STOPS):
        signal.signal(number, lambda *_: None)
    child = start(command, identity)
    with contextlib.suppress(BrokenPipeError):  # the owner is gone already: stdin says so next
        os.write(1, f"{child}\n".encode())
    status = supervise(child, stop_signal, grace, wakeup)
    end_descendants(child, adopts)
    end_as(status)


if __name__ == "__main__":
    main()
