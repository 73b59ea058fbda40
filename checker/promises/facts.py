"""What VNG's systems tell of accounts is kept by those who decide on it."""

from collections.abc import Iterator

from checker.lives import Run
from checker.promises.limits import Parties

DECIDE = ("registrar", "approver")


def facts_are_kept(run: Run, _parties: Parties) -> Iterator[tuple[None, str]]:
    """Of an account that was deleted nothing is said: which version a deletion overtook, its record does not tell."""
    if run.kept is None:
        return
    for service in filter(run.ran, DECIDE):
        for email, told in run.facts.items():
            kept = run.kept.get((service, email))
            aside = (service, "AccountUpdated", told.partition, told.offset) in run.set_aside
            if told.version not in (None, kept) and not aside:
                yield None, f"{service} keeps version {kept} of {email}, and version {told.version} was told"
