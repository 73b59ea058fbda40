"""`registration`: one command line for users and operators.

Exit status 0: done; 1: something in the input or the system was wrong, each on a line of its own; 2: wrong usage or
settings.
"""

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from commands.failures import Failed
from services.registrar.domain import Status
from shared import interpreter
from shared.observability import quiet_clients
from shared.settings import DatabaseSettings, KafkaSettings, PurgeSettings, SettingsError, load
from shared.topics import PARTITIONS, SERVICES, TOPICS

if TYPE_CHECKING:
    from shared.messaging.settling import Which

DEBUG = "--debug"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
topics = typer.Typer(no_args_is_help=True, help="The Kafka topics.")
accounts = typer.Typer(no_args_is_help=True, help="VNG Cloud's accounts, as far as registration needs them.")
quarantine = typer.Typer(no_args_is_help=True, help="Records that a service could not accept.")
contracts = typer.Typer(no_args_is_help=True, help="What events look like, for those who write them.")
app.add_typer(topics, name="topics")
app.add_typer(accounts, name="accounts")
app.add_typer(quarantine, name="quarantine")
app.add_typer(contracts, name="contracts")

ServiceName = StrEnum("ServiceName", {name.upper(): name for name in SERVICES})  # type: ignore[misc]  # from the table
EventType = StrEnum("EventType", {it.event.type(): it.event.type() for it in TOPICS})  # type: ignore[misc]  # as above

Name = Annotated[ServiceName, typer.Argument(metavar="SERVICE", help="Whose quarantine.")]
Numbers = Annotated[list[str], typer.Argument(metavar="ID...", help="As listed; or TOPIC:PARTITION:OFFSET.")]
SomeNumbers = Annotated[
    list[str] | None, typer.Argument(metavar="[ID...]", help="As listed; or TOPIC:PARTITION:OFFSET.")
]
Actor = Annotated[str, typer.Option(help="Who does it. Else: the login name and the machine's.", show_default=False)]

FromLine = Annotated[int, typer.Option(min=2, help="Where to go on; lines are counted as an editor does.")]
CsvFile = Annotated[Path, typer.Argument(metavar="FILE.csv", help="A CSV file in UTF-8 with a first line of names.")]


@app.callback()
def common(
    *,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where in the code an error arose.")] = False,
) -> None:
    """Registration of a partner's customer: request, confirm, approve."""
    assert not debug, "main takes it away, wherever it stands"


@app.command()
def serve(
    service: Annotated[ServiceName, typer.Argument(help="Which service.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
) -> None:
    """Run one service until it is told to stop."""
    interpreter.load_quickly()
    from commands.serve import serve as run

    run(service.value, host, port)


@app.command()
def migrate() -> None:
    """Bring each service's tables to the version that this program expects."""
    from commands.migrate import migrate_all

    for line in asyncio.run(migrate_all(load(DatabaseSettings))):
        typer.echo(line)


@app.command()
def openid(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8004,
) -> None:
    """For trials: an OpenID provider of made-up people, where everybody may sign in as any of them."""
    from commands.openid import serve as run

    run(host, port)


@app.command()
def doctor(
    service: Annotated[
        ServiceName | None,
        typer.Argument(metavar="[SERVICE]", help="With this service's settings only.", show_default=False),
    ] = None,
) -> None:
    """Look at settings, Kafka, PostgreSQL, mail server, OpenID provider and clocks, and say what to mend. Changes
    nothing."""
    from commands.doctor import examine

    async def all_is_well() -> bool:
        well = True
        async for finding in examine(service.value if service else None):
            typer.echo(finding.line())
            well = well and finding.is_well
        return well

    if not asyncio.run(all_is_well()):
        raise typer.Exit(1)


@topics.command()
def apply(
    replication: Annotated[int, typer.Option(min=1, help="Copies of each record.")] = 1,
    partitions: Annotated[
        int, typer.Option(min=1, help="Of each topic that is made; a topic that is there keeps its number.")
    ] = PARTITIONS,
    acls: Annotated[
        bool,
        typer.Option("--acls", help="Also the access rules: users registrar, notifier, approver, portal, accounts."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made.")] = False,
) -> None:
    """Make the topics that are missing. A quarantine always has one partition."""
    from commands.kafka import apply_topics, plan_topics

    settings = load(KafkaSettings)
    work = plan_topics(settings, partitions) if dry_run else apply_topics(settings, replication, partitions)
    for line in asyncio.run(work):
        typer.echo(line)
    if acls:
        _apply_acls(settings, dry_run=dry_run)


def _apply_acls(settings: KafkaSettings, *, dry_run: bool) -> None:
    from commands.acls import apply_acls

    report = asyncio.run(apply_acls(settings, dry_run=dry_run))
    for line in report.lines:
        typer.echo(line)
    if report.problems:
        raise Failed(*report.problems)


@accounts.command("import")
def import_accounts(file: CsvFile, from_line: FromLine = 2) -> None:
    """Publish a list of accounts as AccountUpdated events. Published again, a list with versions changes nothing."""
    from commands.lists import import_accounts as run

    settings = load(KafkaSettings)
    with _progress(file) as progress:
        report = asyncio.run(run(settings, file, from_line, progress))
    _tell(report.published, "account", report.problems)


@app.command()
def register(
    file: CsvFile,
    partner_id: Annotated[str, typer.Option(help="Where the file has no such column.")] = "",
    partner_name: Annotated[str, typer.Option(help="Where the file has no such column.")] = "",
    requested_by: Annotated[str, typer.Option(help="An email address, where the file has no such column.")] = "",
    from_line: FromLine = 2,
) -> None:
    """Publish a partner's list of customers as RegistrationRequested events."""
    from commands.lists import register as run

    given = {"partner_id": partner_id, "partner_name": partner_name, "requested_by": requested_by}
    partner = {name: value for name, value in given.items() if value}
    settings = load(KafkaSettings)
    with _progress(file) as progress:
        report = asyncio.run(run(settings, file, partner, from_line, progress))
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


@quarantine.command("list")
def list_quarantine(
    service: Name,
    settled_too: Annotated[bool, typer.Option("--all", help="Also those that were replayed or discarded.")] = False,
) -> None:
    """List what waits in quarantine, oldest first."""
    from commands.quarantine import list_records

    asyncio.run(_print(list_records(service.value, settled_too=settled_too)))


@quarantine.command("show")
def show_quarantined(service: Name, ids: Numbers) -> None:
    """Show records whole: bytes (as text where they are UTF-8, else in hexadecimal digits), headers, origin, reason."""
    from commands.quarantine import show as run

    asyncio.run(_print(run(service.value, _which(ids))))


@quarantine.command()
def replay(
    service: Name,
    ids: SomeNumbers = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait now.")] = False,
    by: Actor = "",
) -> None:
    """Give records to this service's handler once more. Needs the settings that `serve` needs."""
    from commands.quarantine import login
    from commands.quarantine import replay as run

    if everything == bool(ids):
        raise typer.BadParameter("expected either ids or --all")
    asyncio.run(_print(run(service.value, _which(ids) if ids else None, by or login())))


@quarantine.command()
def discard(
    service: Name,
    ids: Numbers,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks later.")],
    by: Actor = "",
) -> None:
    """Put records aside for good, with a reason. They can still be shown."""
    from commands.quarantine import discard as run
    from commands.quarantine import login, reason_in

    if (why := reason_in(reason)) is None:
        raise typer.BadParameter("expected 1 to 1000 characters of plain text", param_hint="--reason")
    asyncio.run(_print(run(service.value, _which(ids), by or login(), why)))


@app.command()
def rewind(
    service: Annotated[ServiceName, typer.Argument(help="Which service. It must not be running.")],
    to: Annotated[
        str,
        typer.Option(help="An RFC 3339 time, before the backup and before what was not read then. Earlier is safe."),
    ],
) -> None:
    """After a restore: make a service read again what it has read since a time, and remember what it has told since."""
    from commands.rewind import moment_in
    from commands.rewind import rewind as run

    if (since := moment_in(to)) is None:
        raise typer.BadParameter('expected an RFC 3339 time, like "2026-07-01T09:00:00Z"', param_hint="--to")
    asyncio.run(_print(run(service.value, since)))


@contracts.command("check")
def check_events(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One event a line, as JSON.")],
    type: Annotated[
        EventType | None,
        typer.Option(help="Of all events. Else each line is a CloudEvent in JSON, with its type and data."),
    ] = None,
) -> None:
    """Say of events that another program writes which ones a service would put into quarantine, and why."""
    from commands.contracts.check import KINDS, check

    count = bad = 0
    for checked in check(file, KINDS[type.value] if type else None):
        for remark in checked.remarks:
            typer.echo(f"line {checked.line}: {remark}")
        _complain([f"line {checked.line}: {problem}" for problem in checked.problems], debug=False)
        count, bad = count + 1, bad + bool(checked.problems)
    typer.echo(f"{count} event{'' if count == 1 else 's'} checked, {bad} bad")
    if bad:
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.csv]", help="Else: standard output.", show_default=False)
    ] = None,
    status: Annotated[list[Status] | None, typer.Option(help="Only these; may be given several times.")] = None,
    partner: Annotated[str | None, typer.Option(metavar="PARTNER_ID", help="Only this partner's.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what has changed since then, an RFC 3339 time.")
    ] = None,
) -> None:
    """List registrations, as registrar has them, as CSV."""
    from commands.export import export as run
    from commands.rewind import moment_in

    moment = moment_in(since) if since is not None else None
    if since is not None and moment is None:
        raise typer.BadParameter('expected an RFC 3339 time, like "2026-07-01T09:00:00Z"', param_hint="--since")
    asyncio.run(_write(run(load(DatabaseSettings), status or [], partner, moment), file))


@app.command()
def purge(
    older_than: Annotated[
        str, typer.Option(help="An ISO 8601 duration, like P2Y: how long registrations have been closed at least.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Blank names, addresses and people's words of registrations that were closed without approval long ago."""
    from commands.purge import duration_in
    from commands.purge import purge as run

    if (duration := duration_in(older_than)) is None:
        raise typer.BadParameter("expected an ISO 8601 duration, like P2Y or P90D", param_hint="--older-than")
    asyncio.run(_print(run(load(PurgeSettings), duration, dry_run=dry_run)))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's data live.")] = Path(".local"),
    customers: Annotated[Path | None, typer.Option(help="Another list than the example's.")] = None,
    accounts_file: Annotated[Path | None, typer.Option("--accounts", help="Another list than the example's.")] = None,
    days: Annotated[
        int | None, typer.Option(min=0, max=60, help="Move the clock through so many days instead.")
    ] = None,
    keep: Annotated[
        bool | None, typer.Option("--keep/--end", help="Whether all runs on until Ctrl-C. Else: on a terminal.")
    ] = None,
) -> None:
    """Run everything on this machine and walk customers through it."""
    if days is not None:
        with _servers_of_its_own():
            from commands.time_travel import run as travel

        raise typer.Exit(travel(folder, days))
    with _servers_of_its_own():
        from commands.demo import run

    raise typer.Exit(run(folder, customers, accounts_file, keep=sys.stdout.isatty() if keep is None else keep))


@contextmanager
def _servers_of_its_own() -> Iterator[None]:
    """Around the import of what starts Kafka and PostgreSQL."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise Failed(
            f"the demo starts Kafka and PostgreSQL by itself, but {missing.name} is not here, as in the image of the "
            "services; expected an installation with all dependencies; run: make demo, in a clone"
        ) from None


async def _print(lines: AsyncIterator[str]) -> None:
    async for line in lines:
        typer.echo(line)


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int], None]]:
    """Shows on a terminal, and nowhere else, up to which line of `file` all is done."""
    if not sys.stderr.isatty():
        yield lambda _line: None
        return
    from commands.csv_files import lines_in

    with typer.progressbar(length=lines_in(file), file=sys.stderr, show_pos=True) as bar:
        yield lambda line: bar.update(line - bar.pos)


async def _write(pieces: AsyncIterator[str], file: Path | None) -> None:
    """To standard output without a mark of the encoding, which only a spreadsheet that opens a file needs."""
    from shared.csv_text import BOM

    if file is None:
        async for piece in pieces:
            typer.echo(piece, nl=False)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as written:
            written.write(BOM)
            async for piece in pieces:
                written.write(piece)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}; expected a file that may be made anew") from None


def _which(ids: list[str]) -> "list[Which]":
    from shared.messaging.settling import which

    found = [(text, which(text)) for text in dict.fromkeys(ids)]
    for text, it in found:
        if it is None:
            raise typer.BadParameter(f"{text!r} is no id; expected one as listed, or TOPIC:PARTITION:OFFSET")
    return [it for _text, it in found if it is not None]


def _tell(published: int, noun: str, problems: list[str]) -> None:
    typer.echo(f"published {published} {noun}{'' if published == 1 else 's'}")
    if problems:
        raise Failed(*problems)


def main() -> None:
    """The console script."""
    quiet_clients()
    debug = DEBUG in sys.argv
    try:
        app([word for word in sys.argv[1:] if word != DEBUG])
    except SettingsError as wrong:
        _complain(wrong.lines, debug=debug)
        sys.exit(2)
    except Failed as failed:
        _complain(failed.lines, debug=debug)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _complain([_unexpected(error)], debug=debug)
        sys.exit(1)


def _unexpected(error: Exception) -> str:
    from shared.messaging.faults import in_words, place

    return (
        f"{in_words(error)} at {place(error)}; nobody expected that; "
        f"see the whole of it with {DEBUG}, and tell who maintains this"
    )


def _complain(lines: tuple[str, ...] | list[str], *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    for line in lines:
        typer.echo(f"registration: {line}", err=True)


if __name__ == "__main__":
    main()
