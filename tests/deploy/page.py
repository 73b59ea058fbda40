"""docs/how-to/deploy.md: what each of its parts tells to type and to write into files, in its order."""

import re

from tests.deploy.composition import ROOT

PAGE = ROOT / "docs" / "how-to" / "deploy.md"
TEXT = PAGE.read_text(encoding="utf-8")


def part(title: str) -> str:
    [found] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str = TEXT) -> list[str]:
    return "".join(blocks("sh", text)).splitlines()


def files() -> dict[str, str]:
    """By name, as a comment in the first line of each says it."""
    return {name.removeprefix("# "): text for name, _, text in (it.partition("\n") for it in blocks("ini"))}
