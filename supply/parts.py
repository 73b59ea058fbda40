"""Every part that is not ours, from what is locked or vendored: Python packages, Kafka's jars, files of others, and
what an example in Node asks for.

The lists are the lock files and the vendor folders' READMEs themselves, so nothing can be used and left out here.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDORED = ("shared/web/static/vendor", "tests/browser/vendor", "tests/contracts/vendor")
UNKNOWN = "unknown"


class Use(StrEnum):
    """Where it runs."""

    SERVICES = "services, demo"
    DEVELOPMENT = "development, tests"
    EMBEDDED = "embedded Kafka: demo, tests"
    PAGES = "pages"


@dataclass(frozen=True, slots=True)
class Part:
    """`licence` is an SPDX expression, or UNKNOWN. `purl` is its package URL. `needs` are names of parts of the same
    kind. `sha256` is None where a lock names several files for one version."""

    name: str
    version: str
    licence: str
    use: Use
    purl: str
    needs: tuple[str, ...] = ()
    sha256: str | None = None
    file: str | None = None


class Terms:
    """The words of licences.toml."""

    def __init__(self) -> None:
        told = tomllib.loads((ROOT / "supply" / "licences.toml").read_text(encoding="utf-8"))
        self.accepted: dict[str, str] = told["accepted"]
        self._in_development: dict[str, str] = told["accepted_in_development"]
        self._names: dict[str, str] = told["names"]
        self._packages: dict[str, str] = told["packages"]
        self._jars: dict[str, str] = told["jars"]

    def of_package(self, name: str) -> str:
        if name in self._packages:
            return self._packages[name]
        try:
            said = metadata(name).json
        except PackageNotFoundError:
            return UNKNOWN
        if expression := said.get("license_expression"):
            return str(expression)
        classifiers = [it.rpartition(" :: ")[2] for it in said.get("classifier", ()) if it.startswith("License ::")]
        for words in (str(said.get("license", "")), *classifiers):
            name = self._names.get(words, words)
            if name in self.accepted:
                return name
        return UNKNOWN

    def of_jar(self, group: str) -> str:
        return self._jars.get(group, UNKNOWN)

    def accepts(self, licence: str, use: Use) -> bool:
        """One of the alternatives, with all that it joins. Brackets are read by a person first."""
        names = self.accepted | (self._in_development if use is Use.DEVELOPMENT else {})
        return any(all(name in names for name in it.split(" AND ")) for it in licence.split(" OR "))


def parts() -> list[Part]:
    terms = Terms()
    needed = {part.name for part in _packages("requirements.lock", Use.SERVICES, terms)}
    development = _packages("requirements-dev.lock", Use.DEVELOPMENT, terms)
    return [
        *_packages("requirements.lock", Use.SERVICES, terms),
        *(part for part in development if part.name not in needed),
        *_jars(terms),
        *(part for folder in VENDORED for part in vendored(folder)),
        *_of_node("examples/producers/node/package-lock.json"),
    ]


def _packages(lock: str, use: Use, terms: Terms) -> list[Part]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.findall(r"^([a-z0-9][\w.-]*)(?:\[.*?\])?==([^\s;]+)((?:.*\n)(?:[ \t].*\n?)*)", text, re.MULTILINE)
    asked_by = {name: set(re.findall(r"#(?: +via)? +([a-z0-9][\w.-]*)", rest)) for name, _version, rest in blocks}
    return [
        Part(
            name,
            version,
            terms.of_package(name),
            use,
            f"pkg:pypi/{name}@{version}",
            needs=tuple(other for other, askers in asked_by.items() if name in askers),
        )
        for name, version, _rest in blocks
    ]


def _jars(terms: Terms) -> Iterator[Part]:
    lock = json.loads((ROOT / "embedded" / "kafka.lock.json").read_text(encoding="utf-8"))
    for jar in lock["jars"]:
        group, artifact, version = jar["group"], jar["artifact"], jar["version"]
        purl = f"pkg:maven/{group}/{artifact}@{version}"
        yield Part(f"{group}:{artifact}", version, terms.of_jar(group), Use.EMBEDDED, purl, sha256=jar["sha256"])


def _of_node(lock: str) -> Iterator[Part]:
    packages = json.loads((ROOT / lock).read_text(encoding="utf-8"))["packages"]
    for path, told in packages.items():
        if name := path.rpartition("node_modules/")[2]:
            purl = f"pkg:npm/{name.replace('@', '%40')}@{told['version']}"
            yield Part(name, told["version"], told.get("license", UNKNOWN), Use.DEVELOPMENT, purl)


def vendored(folder: str) -> Iterator[Part]:
    """The files that the README of `folder` names."""
    use = Use.DEVELOPMENT if folder.startswith("tests/") else Use.PAGES
    text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    line = r"^\| `([^`]+)` \| npm package `([^`]+)`, `[^`]+` \| (\S+) \| ([\w.-]+), .*? \| `([0-9a-f]{64})` \|$"
    for file, name, version, licence, sha256 in re.findall(line, text, re.MULTILINE):
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        yield Part(name, version, licence, use, purl, sha256=sha256, file=f"{folder}/{file}")
