"""Real servers for demo, tests and benchmarks, from package registries alone. No service imports this.

`servers(folder)` starts PostgreSQL, Kafka, a mailbox and an OpenID provider side by side, or uses the one
that the environment names, and stops what it started, however the block ends. What it started also ends when
this process is killed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from embedded.folders import FolderInUse, owned
from embedded.jars import DownloadFailed
from embedded.kafka import Kafka, kafka, prepared
from embedded.mailbox import Mailbox, mailbox
from embedded.openid import OpenidProvider, openid_provider
from embedded.postgres import Postgres, postgres
from embedded.process import ServerDidNotStart
from embedded.unprivileged import CannotRunPostgres

__all__ = [
    "CannotRunPostgres",
    "DownloadFailed",
    "FolderInUse",
    "ServerDidNotStart",
    "Servers",
    "report_to_stderr",
    "servers",
]

T = TypeVar("T")


@dataclass(frozen=True)
class Servers:
    """Addresses of what runs, and the objects of what was started here (None: an external one is used)."""

    kafka_bootstrap_servers: str
    database_url: str
    smtp_url: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    kafka: Kafka | None
    postgres: Postgres | None
    mailbox: Mailbox | None
    openid: OpenidProvider | None

    @property
    def mailbox_url(self) -> str | None:
        return self.mailbox.web_url if self.mailbox else None

    def environment(self) -> dict[str, str]:
        """The settings that point our services here, to be put over `os.environ`."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "SMTP_URL": self.smtp_url,
            "OIDC_ISSUER": self.oidc_issuer,
            "OIDC_CLIENT_ID": self.oidc_client_id,
            "OIDC_CLIENT_SECRET": self.oidc_client_secret,
        }


def report_to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def servers(
    folder: Path,
    report: Callable[[str], None] = report_to_stderr,
    environ: Mapping[str, str] | None = None,
    *,
    quick_start: bool = True,
    disposable: bool = False,
) -> Iterator[Servers]:
    """Everything that the services need, with data in `folder`.

    `environ` (None: os.environ) may name external ones. `quick_start` is Kafka's (see embedded.kafka). `disposable` is
    for tests, where nobody needs the data once the block has ended.
    Raises FolderInUse, ServerDidNotStart, DownloadFailed, CannotRunPostgres.
    """
    folder = folder.absolute()
    named = os.environ if environ is None else environ

    def unless_named(setting: str, server: AbstractContextManager[T]) -> AbstractContextManager[T | None]:
        return contextlib.nullcontext() if named.get(setting) else server

    with ExitStack() as stack:
        stack.enter_context(owned(folder))
        if not named.get("KAFKA_BOOTSTRAP_SERVERS"):
            prepared(report, often=disposable)  # not in a thread: here Ctrl-C interrupts a long download
        # A stack each, made here: however far the threads got, what is up is stopped, in reverse order.
        stacks = [stack.enter_context(ExitStack()) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            broker = kafka(folder / "kafka", report, quick_start=quick_start, disposable=disposable)
            database = postgres(folder / "postgres", disposable=disposable)
            log = pool.submit(stacks[0].enter_context, unless_named("KAFKA_BOOTSTRAP_SERVERS", broker))
            sql = pool.submit(stacks[1].enter_context, unless_named("DATABASE_URL", database))
            mail = pool.submit(stacks[2].enter_context, unless_named("SMTP_URL", mailbox()))
            people = pool.submit(
                stacks[3].enter_context,
                unless_named("OIDC_ISSUER", openid_provider(log_path=folder / "openid.log")),
            )
            started = _servers(named, log.result(), sql.result(), mail.result(), people.result())
        for line in _lines(started):
            report(line)
        yield started


def _servers(
    named: Mapping[str, str],
    log: Kafka | None,
    database: Postgres | None,
    mail: Mailbox | None,
    people: OpenidProvider | None,
) -> Servers:
    return Servers(
        kafka_bootstrap_servers=log.bootstrap_servers if log else named["KAFKA_BOOTSTRAP_SERVERS"],
        database_url=database.url if database else named["DATABASE_URL"],
        smtp_url=mail.smtp_url if mail else named["SMTP_URL"],
        oidc_issuer=people.issuer if people else named["OIDC_ISSUER"],
        oidc_client_id=people.client_id if people else named.get("OIDC_CLIENT_ID", ""),
        oidc_client_secret=people.client_secret if people else named.get("OIDC_CLIENT_SECRET", ""),
        kafka=log,
        postgres=database,
        mailbox=mail,
        openid=people,
    )


def _lines(started: Servers) -> list[str]:
    """What is used, one line each, without secrets."""
    broker, sql, mail, people = started.kafka, started.postgres, started.mailbox, started.openid
    used = (
        (
            "Kafka",
            "KAFKA_BOOTSTRAP_SERVERS",
            f"{broker.bootstrap_servers}, in {broker.folder}" if broker else None,
        ),
        ("PostgreSQL", "DATABASE_URL", f"127.0.0.1:{sql.port}, in {sql.folder}" if sql else None),
        ("Mailbox", "SMTP_URL", mail.web_url if mail else None),
        ("OpenID", "OIDC_ISSUER", people.issuer if people else None),
    )
    return [f"{what:<11} {address or f'the one that {setting} names'}" for what, setting, address in used]
