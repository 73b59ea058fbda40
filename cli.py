"""`registration`: one command line for users and operators.

Exit status 0: done; 1: something in the input or the system was wrong, each on a line of its own; 2: wrong usage or
settings.
"""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from commands.failures import Failed
from shared.observability import quiet_clients
from shared.settings import DatabaseSettings, KafkaSettings, SettingsError, load
from shared.topics import PARTITIONS, SERVICES

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Registration of a partner's customer: request, confirm, approve.",
)
topics = typer.Typer(no_args_is_help=True, help="The Kafka topics.")
accounts = typer.Typer(no_args_is_help=True, help="VNG Cloud's accounts, as far as registration needs them.")
app.add_typer(topics, name="topics")
app.add_typer(accounts, name="accounts")

ServiceName = StrEnum("ServiceName", {name.upper(): name for name in SERVICES})  # type: ignore[misc]  # from the table

CsvFile = Annotated[Path, typer.Argument(metavar="FILE.csv", help="A CSV file in UTF-8 with a first line of names.")]


@app.command()
def serve(
    service: Annotated[ServiceName, typer.Argument(help="Which service.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
) -> None:
    """Run one service until it is told to stop."""
    from commands.serve import serve as run

    run(service.value, host, port)


@app.command()
def migrate() -> None:
    """Bring each service's tables to the version that this program expects."""
    from commands.migrate import migrate_all

    for line in asyncio.run(migrate_all(load(DatabaseSettings))):
        typer.echo(line)


@topics.command()
def apply(
    replication: Annotated[int, typer.Option(min=1, help="Copies of each record.")] = 1,
    partitions: Annotated[
        int, typer.Option(min=1, help="Of each topic that is made; a topic that is there keeps its number.")
    ] = PARTITIONS,
) -> None:
    """Make the topics that are missing. A quarantine always has one partition."""
    from commands.kafka import apply_topics

    for line in asyncio.run(apply_topics(load(KafkaSettings), replication, partitions)):
        typer.echo(line)


@accounts.command("import")
def import_accounts(file: CsvFile) -> None:
    """Publish a list of accounts as AccountUpdated events."""
    from commands.lists import import_accounts as run

    report = asyncio.run(run(load(KafkaSettings), file))
    _tell(report.published, "account", report.problems)


@app.command()
def register(
    file: CsvFile,
    partner_id: Annotated[str, typer.Option(help="Where the file has no such column.")] = "",
    partner_name: Annotated[str, typer.Option(help="Where the file has no such column.")] = "",
    requested_by: Annotated[str, typer.Option(help="An email address, where the file has no such column.")] = "",
) -> None:
    """Publish a partner's list of customers as RegistrationRequested events."""
    from commands.lists import register as run

    given = {"partner_id": partner_id, "partner_name": partner_name, "requested_by": requested_by}
    partner = {name: value for name, value in given.items() if value}
    report = asyncio.run(run(load(KafkaSettings), file, partner))
    _tell(report.published, "registration", report.problems)


@app.command()
def show(
    registration_id: Annotated[UUID, typer.Argument(help="As the portal shows it.")],
    all_services: Annotated[bool, typer.Option("--all", help="What every service noted, not registrar alone.")] = False,
) -> None:
    """Show a registration and its history."""
    from commands.show import show as run

    for line in asyncio.run(run(load(DatabaseSettings), registration_id, all_services=all_services)):
        typer.echo(line)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's data live.")] = Path(".local"),
    customers: Annotated[Path | None, typer.Option(help="Another list than the example's.")] = None,
    accounts_file: Annotated[Path | None, typer.Option("--accounts", help="Another list than the example's.")] = None,
    days: Annotated[
        int | None, typer.Option(min=0, max=60, help="Move the clock through so many days instead.")
    ] = None,
) -> None:
    """Run everything on this machine and walk customers through it."""
    if days is not None:
        from commands.time_travel import run as travel

        raise typer.Exit(travel(folder, days))
    from commands.demo import run

    raise typer.Exit(run(folder, customers, accounts_file))


def _tell(published: int, noun: str, problems: list[str]) -> None:
    typer.echo(f"published {published} {noun}{'' if published == 1 else 's'}")
    if problems:
        raise Failed(*problems)


def main() -> None:
    """The console script."""
    quiet_clients()
    try:
        app()
    except SettingsError as wrong:
        _complain(wrong.lines)
        sys.exit(2)
    except Failed as failed:
        _complain(failed.lines)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _complain(lines: tuple[str, ...] | list[str]) -> None:
    for line in lines:
        typer.echo(f"registration: {line}", err=True)


if __name__ == "__main__":
    main()
