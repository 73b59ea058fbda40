"""`make licences`: every part of others with its licence, for the reference. Fails on one that is not accepted."""

import sys
from collections.abc import Iterable

from supply.parts import Part, Terms, Use, parts

HEAD = """\
# Licences

The work of others in this program, from the lock files and the `vendor` folders; which licences are accepted and why is
in [licences.toml](../../supply/licences.toml). Made by `make licences`.
"""


def page(found: Iterable[Part]) -> str:
    found = list(found)
    blocks = [HEAD]
    for use in Use:
        rows = [f"| {part.name} | {part.version} | {part.licence} |\n" for part in found if part.use is use]
        head = f"## {use.value.capitalize()}\n\n| part | version | licence |\n| --- | --- | --- |\n"
        blocks.append(head + "".join(rows))
    return "\n".join(blocks)


def refused(found: Iterable[Part], terms: Terms) -> list[str]:
    return [
        f"{part.name} {part.version} ({part.use.value}): licence {part.licence}; expected one that "
        f"supply/licences.toml accepts; read it, then add it there with the reason, or do without the part"
        for part in found
        if not terms.accepts(part.licence, part.use)
    ]


def main() -> int:
    found = parts()
    print(page(found), end="")
    problems = refused(found, Terms())
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
