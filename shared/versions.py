"""The versions of a service's tables: numbered, and a program serves on those that it expects or on newer ones.

A newer version only adds until no older program is left, so that tables can be migrated while the old program serves.
"""

from enum import Enum, auto
from pathlib import Path

SERVICES_FOLDER = Path(__file__).resolve().parent.parent / "services"


class Age(Enum):
    """How a schema's version stands to the one that this program expects."""

    NONE = auto()
    OLDER = auto()
    EXPECTED = auto()
    NEWER = auto()


def expected(service: str) -> str:
    """The version of the newest migration that this program brings: the number that its file's name begins with."""
    scripts = (SERVICES_FOLDER / service / "migrations" / "versions").glob("[0-9]*.py")
    return max(script.name.partition("_")[0] for script in scripts)


def age(service: str, found: str | None) -> Age:
    """Of the version `found` in the database; None where it was never migrated."""
    if found is None:
        return Age.NONE
    if found == (known := expected(service)):
        return Age.EXPECTED
    return Age.OLDER if found < known else Age.NEWER
