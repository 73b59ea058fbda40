"""Brings the Vietnamese catalogues up to date with the templates: `make messages`.

New sentences are added empty and printed, so that somebody translates them; what no template says any more goes.
"""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("shared/web", "services/portal", "services/notifier", "services/approver")
WIDTH = 110


def file_of(folder: str) -> Path:
    return ROOT / folder / "locales" / "vi" / "LC_MESSAGES" / "messages.po"


def up_to_date(folder: str) -> Catalog:
    """The catalogue as its file should be."""
    with file_of(folder).open("rb") as file:
        catalogue = read_po(file, "vi")
    catalogue.update(_extracted(folder), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def missing(catalogue: Catalog) -> list[str]:
    return [_key(message.id) for message in catalogue if message.id and not any(_strings(message.string))]


def _extracted(folder: str) -> Catalog:
    found = Catalog()
    templates = extract_from_dir(
        str(ROOT / folder / "templates"),
        method_map=[("**.html", "jinja2")],
        options_map={"**.html": {"trimmed": "true", "newstyle_gettext": "true"}},
    )
    for name, _line, sentence, _comments, _context in templates:
        found.add(sentence, locations=[(f"templates/{name}", 0)])
    return found


def _key(sentence: str | tuple[str, ...] | list[str]) -> str:
    return sentence if isinstance(sentence, str) else sentence[0]


def _strings(translated: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (translated,) if isinstance(translated, str) else tuple(translated or ())


def main() -> int:
    untold = []
    for folder in FOLDERS:
        catalogue = up_to_date(folder)
        with file_of(folder).open("wb") as file:
            write_po(file, catalogue, width=WIDTH, include_lineno=False)
        untold += [f"{folder}: {sentence}" for sentence in missing(catalogue)]
    for line in untold:
        print(f"no Vietnamese yet  {line}")
    return 1 if untold else 0


if __name__ == "__main__":
    sys.exit(main())
